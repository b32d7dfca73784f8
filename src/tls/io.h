/* wolfSSL's transport callbacks: the argument is the th_tls_stream. */
#ifndef TH_TLS_IO_H
#define TH_TLS_IO_H

struct WOLFSSL;

int th_tls_io_receive(struct WOLFSSL *ssl, char *buffer, int bytes, void *stream);
int th_tls_io_send(struct WOLFSSL *ssl, char *data, int bytes, void *stream);

#endif
