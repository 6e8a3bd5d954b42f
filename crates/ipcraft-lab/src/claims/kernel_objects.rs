//! Message queues.

use std::time::Instant;

use ipcraft::queue::sysv::{Options, Queue, Selector};
use ipcraft::sysv::Key;

use super::child::{failed, figures};
use super::{Claim, Finding};
use crate::Error;

pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        id: "queue-lifetime",
        article: 1,
        sentence: (
            "A message queue is in the kernel and outlives its maker; mind what an earlier run left in it.",
            "消息队列存放在内核中,生命周期随内核;读时要考虑上一次没有读完的数据。",
        ),
        see: "example sysv_queue",
        check: lifetime,
    },
    Claim {
        id: "queue-many",
        article: 1,
        sentence: (
            "Several processes write to and read from a queue, in both directions, by type.",
            "允许一个或多个进程写入或读取消息,可实现双向通信。",
        ),
        see: "example sysv_queue",
        check: several,
    },
    Claim {
        id: "queue-limit",
        article: 1,
        sentence: (
            "The capacity of a message queue is limited by the system.",
            "消息队列的容量受到系统限制。",
        ),
        see: "ipcraft bench --only sysv_queue",
        check: limit,
    },
    Claim {
        id: "queue-copies",
        article: 1,
        sentence: (
            "The larger the messages, the longer a queue copies; shared memory does not.",
            "信息量大时拷贝的时间更多,此时可采用共享内存。",
        ),
        see: "ipcraft bench --only sysv_queue,channel",
        check: copies,
    },
];

/// Removes a queue when the experiment ends.
struct Removed(Queue);

impl Drop for Removed {
    fn drop(&mut self) {
        let _ = self.0.remove();
    }
}

fn lifetime() -> Result<Finding, Error> {
    let id = figures(|| match Queue::create_new(Key::PRIVATE) {
        Ok(queue) if queue.send(1, b"left").is_ok() => vec![queue.id() as u64 + 1],
        _ => vec![0],
    })?[0];
    if id == 0 {
        return Ok(Finding::untested("a queue cannot be created here", "这里不能创建消息队列"));
    }
    let queue = Removed(Queue::from_id((id - 1) as i32)?);
    let message = queue.0.try_recv_message(Selector::First).map(|message| message.bytes);
    let left = message.is_ok_and(|bytes| bytes == b"left");
    Ok(Finding::holds_if(
        left,
        "its maker had ended, and its message was still there",
        "创建者已经结束,它的消息仍在队列中",
    ))
}

fn several() -> Result<Finding, Error> {
    const SENDERS: u64 = 3;
    let queue = Options::new().remove_on_drop(true).create_new(Key::PRIVATE)?;
    queue.send(100, b"back")?;
    for sender in 1..=SENDERS {
        let sent = figures(|| {
            let queue = Queue::from_id(queue.id());
            vec![u64::from(queue.is_ok_and(|queue| queue.send(sender as i64, b"there").is_ok()))]
        })?[0];
        if sent == 0 {
            return Err(failed("a process could not send"));
        }
    }
    let received = (1..=SENDERS).filter(|&kind| queue.try_recv_message(Selector::Type(kind as i64)).is_ok());
    let received = received.count();
    let back = figures(|| {
        let message =
            Queue::from_id(queue.id()).and_then(|queue| queue.try_recv_message(Selector::Type(100)));
        vec![u64::from(message.is_ok())]
    })?[0];
    Ok(Finding::holds_if(
        received as u64 == SENDERS && back == 1,
        format!(
            "{received} processes sent one message each, and one of another type was received by a child"
        ),
        format!("{received} 个进程各发一条消息,另一类型的消息由子进程收到"),
    ))
}

fn limit() -> Result<Finding, Error> {
    let queue = Options::new().remove_on_drop(true).create_new(Key::PRIVATE)?;
    let mut sent = 0;
    while sent < 1 << 24 && queue.try_send(1, &[0; 1024]).is_ok() {
        sent += 1024;
    }
    Ok(Finding::holds_if(
        sent < 1 << 24,
        format!("{sent} bytes fit (kernel.msgmnb)"),
        format!("可容纳 {sent} 字节(kernel.msgmnb)"),
    ))
}

fn copies() -> Result<Finding, Error> {
    let queue = Options::new().remove_on_drop(true).create_new(Key::PRIVATE)?;
    let ns = |size: usize| -> Result<f64, Error> {
        const MESSAGES: u32 = 2000;
        const TRIES: usize = 5;
        let (message, mut buffer, mut best) = (vec![7; size], vec![0; size], f64::INFINITY);
        for _ in 0..TRIES {
            let start = Instant::now();
            for _ in 0..MESSAGES {
                queue.try_send(1, &message)?;
                queue.try_recv(Selector::First, &mut buffer)?;
            }
            best = best.min(start.elapsed().as_nanos() as f64 / f64::from(MESSAGES));
        }
        Ok(best)
    };
    let (small, large) = (ns(64)?, ns(8000)?);
    Ok(Finding::holds_if(
        large > small * 1.2,
        format!(
            "sent and received: 64 bytes {small:.0} ns, 8000 bytes {large:.0} ns; in shared memory nothing is copied"
        ),
        format!("发送并接收:64 字节 {small:.0} ns,8000 字节 {large:.0} ns;共享内存无需拷贝"),
    ))
}
