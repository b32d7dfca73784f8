lacks := websocket socks url scram psk keylog tls12 rsa rr formats events trace optionfile remove \
         report-text cjson explain mem memory-trace sandbox resumption
