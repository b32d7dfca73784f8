lacks := websocket socks scram psk keylog rr tls12 rsa
