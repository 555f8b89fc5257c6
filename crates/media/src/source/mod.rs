//! Where pictures and sounds come from: the test pattern, and sounds of our own making.
