//! What a client knows of its requests.

use std::marker::PhantomData;

use crate::channel::Message;
use crate::channel::ring::reply::ReplyFrame;
use crate::channel::ring::spsc::{Reader, Writer};
use crate::channel::ring::{Corrupt, TryResult};

/// Which requests were sent, and which replies are pending. Both have the same order, since one
/// server replies to one request after the other.
///
/// At most as many requests are in flight as there is space for replies. So a server waits for
/// space only while the replies to a dead client are in the ring. This endpoint discards those
/// whenever it waits.
pub(crate) struct PendingRequests<Q: Message, A: Message> {
    requests: Writer<Q::Wire>,
    replies: Reader<ReplyFrame<A::Wire>>,
    /// The first request that was not answered yet.
    answered: u64,
    /// The first request whose answer is wanted: those before were answered or given up.
    wanted: u64,
    _types: PhantomData<Signature<Q, A>>,
}

type Signature<Q, A> = fn(Q, A) -> (Q, A);

/// What an answer is to this end.
enum ReplyMatch {
    /// To another client, a second one, or cancelled.
    Nothing,
    /// That which is wanted to this request.
    To(u64),
}

impl<Q: Message, A: Message> PendingRequests<Q, A> {
    pub(crate) fn new(requests: Writer<Q::Wire>, replies: Reader<ReplyFrame<A::Wire>>) -> Self {
        let next = requests.position();
        PendingRequests { requests, replies, answered: next, wanted: next, _types: PhantomData }
    }

    /// The number of the request that will be the next.
    #[inline]
    pub(crate) fn next_id(&self) -> u64 {
        self.requests.position()
    }

    /// Whether any answer is still wanted.
    #[inline]
    pub(crate) fn has_pending(&self) -> bool {
        self.wanted != self.next_id()
    }

    /// How many requests have been sent whose replies are wanted and have not come.
    pub(crate) fn pending(&self) -> usize {
        self.next_id().wrapping_sub(self.wanted) as usize
    }

    /// Wants no answers to what was sent.
    pub(crate) fn cancel_pending(&mut self) {
        self.wanted = self.next_id();
    }

    /// How many answers are still to come, wanted or not.
    #[inline]
    fn in_flight(&self) -> u64 {
        self.next_id().wrapping_sub(self.answered)
    }

    /// Whether nothing can be sent until this end has received something.
    pub(crate) fn is_full_of_wanted(&mut self) -> Result<bool, Corrupt> {
        if self.in_flight() < self.replies.count() {
            return Ok(false);
        }
        self.discard()?;
        let none_is_given_up = self.wanted.wrapping_sub(self.answered).cast_signed() <= 0;
        Ok(none_is_given_up && self.in_flight() >= self.replies.count())
    }

    /// Sends a request, if there is room for it and for its answer.
    #[inline]
    pub(crate) fn push(&mut self, request: &Q::Wire, with_inline: bool) -> TryResult<u64> {
        if self.in_flight() >= self.replies.count() {
            self.discard()?;
            if self.in_flight() >= self.replies.count() {
                return Ok(None);
            }
        }
        let number = self.next_id();
        match self.requests.push(request, with_inline)? {
            Some(()) => Ok(Some(number)),
            None => self.discard().map(|()| None),
        }
    }

    /// The next wanted answer, and the number of its request, if it has come.
    #[inline]
    pub(crate) fn pop(&mut self) -> TryResult<(u64, ReplyFrame<A::Wire>)> {
        for _ in 0..=self.replies.count() {
            let Some(answer) = self.replies.pop()? else { return Ok(None) };
            if let ReplyMatch::To(number) = self.note(answer)? {
                self.wanted = self.answered;
                return Ok(Some((number, answer)));
            }
            self.replies.wake_writer();
        }
        Ok(None)
    }

    /// Discards replies that are not wanted, up to the first wanted one.
    pub(crate) fn discard(&mut self) -> Result<(), Corrupt> {
        for _ in 0..=self.replies.count() {
            if self.replies.slot_ptr()?.is_none() {
                break;
            }
            let answer = self.replies.read();
            let before = self.answered;
            if let ReplyMatch::To(_) = self.note(answer)? {
                self.answered = before;
                break;
            }
            self.replies.skip();
            self.replies.wake_writer();
        }
        Ok(())
    }

    /// Takes note of an answer.
    #[inline]
    fn note(&mut self, answer: ReplyFrame<A::Wire>) -> Result<ReplyMatch, Corrupt> {
        let ahead = answer.ahead_of(self.answered);
        if ahead < 0 {
            return Ok(ReplyMatch::Nothing);
        }
        if ahead.cast_unsigned() >= self.in_flight() {
            return Err(Corrupt);
        }
        let number = self.answered.wrapping_add(ahead.cast_unsigned());
        self.answered = number.wrapping_add(1);
        let is_wanted = number.wrapping_sub(self.wanted).cast_signed() >= 0;
        Ok(if is_wanted { ReplyMatch::To(number) } else { ReplyMatch::Nothing })
    }
}
