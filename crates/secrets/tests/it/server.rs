//! A small HTTP server on loopback, which answers badly where it is told to.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Answers each path with a status and a body; what it has none for is not found, and `hang` is never
/// answered.
pub(crate) struct Server {
    pub(crate) port: u16,
    #[cfg_attr(
        not(feature = "kube"),
        expect(dead_code, reason = "asked by its tests only")
    )]
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) fn start(answers: Vec<(String, u16, String)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let server = Self {
            port,
            asked: Arc::clone(&asked),
        };
        let answers = Arc::new(answers);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answers, asked) = (Arc::clone(&answers), Arc::clone(&asked));
                std::thread::spawn(move || serve(stream, &answers, &asked));
            }
        });
        server
    }
}

fn serve(stream: TcpStream, answers: &[(String, u16, String)], asked: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let mut request = String::new();
        while !request.ends_with("\r\n\r\n") {
            if reader.read_line(&mut request).unwrap_or(0) == 0 {
                return;
            }
        }
        let path = request.split(' ').nth(1).unwrap();
        let path = path.trim_end_matches('?').to_owned();
        asked.lock().unwrap().push(path.clone());
        let answer = answers.iter().find(|(known, ..)| *known == path);
        let (status, body) = match answer {
            Some((_, 0, _)) => loop {
                // Never an answer, until the client goes.
                if reader.read_line(&mut request).unwrap_or(0) == 0 {
                    return;
                }
            },
            Some((_, status, body)) => (*status, body.as_str()),
            None => (404, "{}"),
        };
        let location = if status == 302 {
            "Location: http://127.0.0.1:1/\r\n"
        } else {
            ""
        };
        let head = format!(
            "HTTP/1.1 {status} X\r\n{location}Content-Length: {}\r\n\r\n",
            body.len()
        );
        let mut stream = &stream;
        if stream
            .write_all(format!("{head}{body}").as_bytes())
            .is_err()
        {
            return;
        }
    }
}
