# TLS 1.2 and 1.3, EC and RSA, with the core options of pub and sub.
lacks := websocket revocation ocsp bundle pins socks url scram psk keylog ciphers alpn srv hwrng \
         drbg resumption rr mosquitto properties formats events trace optionfile agent remove \
         report-text cjson explain nearest vdso settings-list mem plan status memory-trace \
         sandbox certificates identity rule-texts
lacks += tunnel clock sntp session-file encrypted-keys spool
without_sections := yes
