//! What is above one text. Unstable: it changes with the byte layer of the Python package, which it is for.

pub mod places;
