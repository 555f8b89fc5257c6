mod world;
mod connecting;
mod keeping;
mod refusing;
