//! `Debug` for endpoints and guards.

/// Implements `Debug`, which shows the type and the endpoint; messages may be large or secret.
macro_rules! debug_by_endpoint {
    ($($type:ident $(<$($lifetime:lifetime)? $(,)? $($message:ident),*>)? $($field:ident).+;)+) => {$(
        impl $(<$($message: $crate::channel::Message),*>)? std::fmt::Debug for $type $(<$($lifetime,)? $($message),*>)? {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let endpoint = &self.$($field).+;
                f.debug_struct(stringify!($type)).field("endpoint", endpoint).finish_non_exhaustive()
            }
        }
    )+};
}

pub(crate) use debug_by_endpoint;
