//! Sockets, and nginx.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;

use ipcraft_step::Child;

use super::child::{ended, io};
use super::{Claim, Finding};
use crate::Error;

pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        id: "socket-machines",
        article: 1,
        sentence: (
            "Sockets also connect processes on different machines.",
            "套接字可用于不同机器之间的进程间通信。",
        ),
        see: "example tcp",
        check: across_machines,
    },
    Claim {
        id: "socket-one-to-one",
        article: 1,
        sentence: ("A socket is one to one only.", "套接字只能一对一。"),
        see: "example unix_datagram",
        check: one_to_one,
    },
    Claim {
        id: "nginx",
        article: 1,
        sentence: (
            "nginx is controlled by signals; its master sends to workers by a socket pair; workers share memory.",
            "Nginx 用信号控制,master 与 worker 用套接字,worker 之间用共享内存。",
        ),
        see: "example nginx_model",
        check: || {
            Ok(Finding::untested(
                "nginx itself is not started here; the example is built the same way",
                "这里不启动 nginx 本身;示例 nginx_model 采用同样的结构",
            ))
        },
    },
];

fn across_machines() -> Result<Finding, Error> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(io)?;
    let address = listener.local_addr().map_err(io)?;
    let mut client = Child::try_start(|| {
        if let Ok(mut stream) = TcpStream::connect(address) {
            let _ = stream.write_all(b"over IP");
        }
    })?;
    let mut text = Vec::new();
    listener.accept().and_then(|(mut stream, _)| stream.read_to_end(&mut text)).map_err(io)?;
    ended(&mut client)?;
    Ok(Finding::holds_but_if(
        text == b"over IP",
        true,
        "7 bytes over TCP, here through the loopback device: a second machine is not at hand",
        "7 字节经 TCP 到达,这里只走环回设备:没有第二台机器可用",
    ))
}

fn one_to_one() -> Result<Finding, Error> {
    const SENDERS: u8 = 3;
    let (receiver, sender) = UnixDatagram::pair().map_err(io)?;
    let mut senders = Vec::new();
    for number in 0..SENDERS {
        let own = sender.try_clone().map_err(io)?;
        senders.push(Child::try_start(move || _ = own.send(&[number]))?);
    }
    for sender in &mut senders {
        ended(sender)?;
    }
    receiver.set_nonblocking(true).map_err(io)?;
    let mut received = 0;
    while receiver.recv(&mut [0; 8]).is_ok() {
        received += 1;
    }
    Ok(Finding::holds_if(
        received <= 1,
        format!("one datagram socket received from {received} processes"),
        format!("一个数据报套接字收到了 {received} 个进程的消息"),
    ))
}
