//! The opening handshake, and ordinary HTTP/1.1 requests on the same port.
