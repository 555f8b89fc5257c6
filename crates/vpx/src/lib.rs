//! Safe thin wrapper of the encoder of libvpx.
