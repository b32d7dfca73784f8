# TLS 1.3 with P-256 and AES-128, and the core options of pub and sub.
lacks := websocket revocation ocsp bundle pins socks url scram psk keylog ciphers alpn srv hwrng \
         drbg resumption rr mosquitto properties formats events trace optionfile agent remove \
         report-text cjson explain nearest vdso settings-list mem plan status memory-trace \
         sandbox certificates identity tls12 rsa large-files resume aliases expiry rule-texts \
         reason-names
lacks += tunnel clock sntp session-file encrypted-keys spool
without_sections := yes
