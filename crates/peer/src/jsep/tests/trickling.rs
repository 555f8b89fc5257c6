//! trickling.
