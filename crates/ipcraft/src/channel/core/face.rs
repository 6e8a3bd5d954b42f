//! The methods that all public endpoint types have in common, with their documentation.

/// The methods that all endpoints have. `$event` names the event that the endpoint waits for.
macro_rules! endpoint_methods {
    ($($core:ident).+, $event:literal) => {
        endpoint_methods!(@handover $($core).+);
        endpoint_methods!(@waiting $($core).+, $event);
        endpoint_methods!(@peers $($core).+);
    };
    (@handover $($core:ident).+) => {
        /// Converts this endpoint to its descriptor, to pass it to a [child](crate::process) or
        /// over a [socket](crate::socket).
        ///
        /// The descriptor owns the endpoint. Peers see the endpoint as connected while the
        /// descriptor is open.
        ///
        /// # Errors
        ///
        /// Fails with [`Invalid`](crate::ErrorKind::Invalid) if the channel has a name. The other
        /// process opens it by that name.
        pub fn into_fd(self) -> $crate::error::Result<std::os::fd::OwnedFd> {
            self.$($core).+.into_fd()
        }
    };
    (@waiting $($core:ident).+, $event:literal) => {
        #[doc = concat!("Returns a descriptor that polls as readable when there may be ", $event, ".")]
        ///
        /// It is for event loops; see [`Readiness`](crate::channel::Readiness). If several
        /// endpoints wait for the same event, another one may consume it first.
        ///
        /// # Errors
        ///
        /// Fails with [`LimitReached`](crate::ErrorKind::LimitReached) if no descriptor or thread
        /// can be created.
        pub fn readiness(&self) -> $crate::error::Result<$crate::channel::Readiness> {
            self.$($core).+.readiness()
        }

        #[doc = concat!("Makes a [`Reactor`](crate::channel::Reactor) report when there may be ", $event, ".")]
        ///
        /// # Errors
        ///
        /// * [`LimitReached`](crate::ErrorKind::LimitReached) if the kernel refuses to watch the
        ///   channel, and no thread or descriptor can be created instead.
        /// * [`Invalid`](crate::ErrorKind::Invalid) if the reactor is a copy in a forked child.
        #[doc(alias = "inotify_add_watch")]
        pub fn register(
            &self,
            reactor: &$crate::channel::Reactor,
        ) -> $crate::error::Result<$crate::channel::Registration> {
            self.$($core).+.register(reactor)
        }

        #[doc = concat!("Sets how this endpoint waits for ", $event, ".")]
        ///
        /// The default is [`Adaptive`](crate::channel::WaitStrategy::Adaptive).
        pub fn set_wait_strategy(&mut self, strategy: $crate::channel::WaitStrategy) {
            self.$($core).+.set_wait_strategy(strategy);
        }

        #[doc = concat!("Returns how this endpoint waits for ", $event, ".")]
        pub fn wait_strategy(&self) -> $crate::channel::WaitStrategy {
            self.$($core).+.wait_strategy()
        }
    };
    (@peers $($core:ident).+) => {
        /// Returns the capacity of the channel in messages, or in bytes if it carries records.
        pub fn capacity(&self) -> usize {
            self.$($core).+.capacity()
        }

        /// Returns whether all peers have left or died, and at least one had connected.
        ///
        /// It makes one system call. The answer may be out of date when this returns: a new peer
        /// may connect at any time.
        pub fn is_disconnected(&self) -> bool {
            self.$($core).+.is_disconnected()
        }
    };
}

/// `Deref` of a guard to the [`Payload`](crate::channel::Payload) that it holds.
macro_rules! payload_deref {
    ($type:ident<'a $(, $message:ident)?>, $($payload:ident).+) => {
        impl<'a $(, $message: $crate::channel::Message)?> std::ops::Deref for $type<'a $(, $message)?> {
            type Target = $crate::channel::Payload<'a>;

            fn deref(&self) -> &$crate::channel::Payload<'a> {
                &self.$($payload).+
            }
        }

        impl<'a $(, $message: $crate::channel::Message)?> std::ops::DerefMut for $type<'a $(, $message)?> {
            fn deref_mut(&mut self) -> &mut $crate::channel::Payload<'a> {
                &mut self.$($payload).+
            }
        }
    };
}

pub(crate) use {endpoint_methods, payload_deref};
