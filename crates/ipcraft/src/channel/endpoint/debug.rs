//! `Debug` for endpoints and guards.

/// `Debug` for ends and guards: which they are, and of which channel; messages are nobody's business.
macro_rules! debug_by_endpoint {
    ($($type:ident<$($lifetime:lifetime,)? $($message:ident),+> $($field:ident).+;)+) => {$(
        impl<$($message: $crate::channel::Message),+> std::fmt::Debug for $type<$($lifetime,)? $($message),+> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($type)).field("end", &self.$($field).+).finish_non_exhaustive()
            }
        }
    )+};
}

pub(crate) use debug_by_endpoint;
