//! What a client knows of its requests.

use std::marker::PhantomData;

use super::answer::Tagged;
use crate::channel::Message;
use crate::channel::end::{Attempt, Corrupt};
use crate::channel::spsc::ring::{Reader, Writer};

/// Which requests were sent, and which answers are still to come: in the same order, since there is one server who answers
/// one after the other.
///
/// No more are on their way than the answers have room for. So a server never waits for room, unless it has answers to give
/// to a dead client, and those are taken out whenever this end waits for anything.
pub(super) struct Book<Q: Message, A: Message> {
    requests: Writer<Q::Wire>,
    answers: Reader<Tagged<A::Wire>>,
    /// The first request that was not answered yet.
    answered: u64,
    /// The first request whose answer is wanted: those before were answered or given up.
    wanted: u64,
    _types: PhantomData<super::Signature<Q, A>>,
}

/// What an answer is to this end.
enum Meaning {
    /// To somebody else, or a second one, or given up.
    Nothing,
    /// That which is wanted to this request.
    To(u64),
}

impl<Q: Message, A: Message> Book<Q, A> {
    pub(super) fn new(requests: Writer<Q::Wire>, answers: Reader<Tagged<A::Wire>>) -> Self {
        let next = requests.position();
        Book { requests, answers, answered: next, wanted: next, _types: PhantomData }
    }

    /// The number of the request that will be the next.
    #[inline]
    pub(super) fn next_number(&self) -> u64 {
        self.requests.position()
    }

    /// Whether any answer is still wanted.
    #[inline]
    pub(super) fn is_any_wanted(&self) -> bool {
        self.wanted != self.next_number()
    }

    /// Wants no answers to what was sent.
    pub(super) fn cancel_pending(&mut self) {
        self.wanted = self.next_number();
    }

    /// How many answers are still to come, wanted or not.
    #[inline]
    fn on_their_way(&self) -> u64 {
        self.next_number().wrapping_sub(self.answered)
    }

    /// Whether nothing can be sent until this end has received something.
    pub(super) fn is_full_of_wanted(&mut self) -> Result<bool, Corrupt> {
        if self.on_their_way() < self.answers.count() {
            return Ok(false);
        }
        self.discard()?;
        let none_is_given_up = self.wanted.wrapping_sub(self.answered).cast_signed() <= 0;
        Ok(none_is_given_up && self.on_their_way() >= self.answers.count())
    }

    /// Sends a request, if there is room for it and for its answer.
    #[inline]
    pub(super) fn push(&mut self, request: &Q::Wire, with_copy: bool) -> Attempt<u64> {
        if self.on_their_way() >= self.answers.count() {
            self.discard()?;
            if self.on_their_way() >= self.answers.count() {
                return Ok(None);
            }
        }
        let number = self.next_number();
        match self.requests.push(request, with_copy)? {
            Some(()) => Ok(Some(number)),
            None => self.discard().map(|()| None),
        }
    }

    /// The next wanted answer, and the number of its request, if it has come.
    #[inline]
    pub(super) fn pop(&mut self) -> Attempt<(u64, Tagged<A::Wire>)> {
        for _ in 0..=self.answers.count() {
            let Some(answer) = self.answers.pop()? else { return Ok(None) };
            if let Meaning::To(number) = self.note(answer)? {
                self.wanted = self.answered;
                return Ok(Some((number, answer)));
            }
            self.answers.wake_writer();
        }
        Ok(None)
    }

    /// Takes out the answers that nobody wants, up to the first that is wanted.
    pub(super) fn discard(&mut self) -> Result<(), Corrupt> {
        for _ in 0..=self.answers.count() {
            if self.answers.place()?.is_none() {
                break;
            }
            let answer = self.answers.read();
            let before = self.answered;
            if let Meaning::To(_) = self.note(answer)? {
                self.answered = before;
                break;
            }
            self.answers.skip();
            self.answers.wake_writer();
        }
        Ok(())
    }

    /// Takes note of an answer.
    #[inline]
    fn note(&mut self, answer: Tagged<A::Wire>) -> Result<Meaning, Corrupt> {
        let ahead = answer.ahead_of(self.answered);
        if ahead < 0 {
            return Ok(Meaning::Nothing);
        }
        if ahead.cast_unsigned() >= self.on_their_way() {
            return Err(Corrupt);
        }
        let number = self.answered.wrapping_add(ahead.cast_unsigned());
        self.answered = number.wrapping_add(1);
        let is_wanted = number.wrapping_sub(self.wanted).cast_signed() >= 0;
        Ok(if is_wanted { Meaning::To(number) } else { Meaning::Nothing })
    }
}
