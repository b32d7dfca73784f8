# pub, sub and rr with the whole trust policy, its commands included; nothing that stays by itself.
lacks := agent tunnel spool
