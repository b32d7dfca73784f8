"""A server that is not surely the right one gets nothing: each cause has its exit code, and a
sentence that says what is wrong."""
import pytest

from fake import nothing, resets, says, stalls_after
from forge import CA, CLIENT, LOCALHOST, NOT_CA, SERVER, server
from program import patient

PUB = ["-t", "refused/topic", "-m", "refused payload"]

# name: (exit code, words of the sentence, how the certificate is made)
FORGED = {
    "expired": (70, ["expired", "clock"],
                dict(extensions=[SERVER, LOCALHOST], dates=("20200101000000Z", "20210101000000Z"))),
    "not_yet_valid": (81, ["not yet valid", "clock"],
                      dict(extensions=[SERVER, LOCALHOST],
                           dates=("20450101000000Z", "20490101000000Z"))),
    "other_name": (73, ["not for this name"],
                   dict(extensions=[SERVER, "subjectAltName = DNS:elsewhere.test"])),
    "name_with_tail": (73, ["not for this name"],
                       dict(extensions=[SERVER, "subjectAltName = DNS:localhost.evil.test"])),
    "common_name_only": (73, ["subject alternative name"],
                         dict(extensions=[SERVER], subject="localhost")),
    "common_name_beside_another": (73, ["not for this name"],
                                   dict(extensions=[SERVER, "subjectAltName = DNS:elsewhere.test"],
                                        subject="localhost")),
    "address_only": (73, ["not for this name"],
                     dict(extensions=[SERVER, "subjectAltName = IP:127.0.0.1"])),
    "partial_wildcard": (73, ["not for this name"],
                         dict(extensions=[SERVER, "subjectAltName = DNS:loc*host"])),
    "bare_wildcard": (73, ["not for this name"],
                      dict(extensions=[SERVER, "subjectAltName = DNS:*"])),
    "for_clients": (79, ["not made for servers"], dict(extensions=[CLIENT, LOCALHOST])),
    "rsa_1024": (68, ["2,048"], dict(extensions=[SERVER, LOCALHOST], key="rsa1024")),
    "p_224": (77, ["alert"], dict(extensions=[SERVER, LOCALHOST], key="p224")),
    "sha1": (68, ["hash that is not accepted"], dict(extensions=[SERVER, LOCALHOST], digest="sha1")),
    "critical_extension": (68, ["critical extension"],
                           dict(extensions=[SERVER, LOCALHOST, "1.2.3.4 = critical, DER:0500"])),
    "self_signed": (72, ["CA certificates given"],
                    dict(extensions=[SERVER, LOCALHOST], issuer=None)),
    "below_no_authority": (79, ["intermediate 1 (forged no_ca)", "no CA certificate"],
                           dict(extensions=[SERVER, LOCALHOST], issuer="no_ca")),
    "below_authority_for_clients": (79, ["not made for servers"],
                                    dict(extensions=[SERVER, LOCALHOST], issuer="client_ca")),
    "below_weak_authority": (68, ["2,048"],
                             dict(extensions=[SERVER, LOCALHOST], issuer="weak_ca")),
    "below_sha1_authority": (68, ["hash that is not accepted"],
                             dict(extensions=[SERVER, LOCALHOST], issuer="sha1_ca")),
    "name_not_permitted": (79, ["name"],
                           dict(extensions=[SERVER, LOCALHOST], issuer="constrained_ca")),
}


@pytest.fixture(scope="module")
def forged(forge):
    forge.issue("no_ca", NOT_CA)
    forge.issue("client_ca", CA, CLIENT)
    forge.issue("weak_ca", CA, key="rsa1024")
    forge.issue("sha1_ca", CA, digest="sha1")
    forge.issue("constrained_ca", CA, "nameConstraints = critical, permitted;DNS:elsewhere.test")
    for name, (_, _, how) in FORGED.items():
        forge.issue(name, *how["extensions"], **{k: v for k, v in how.items() if k != "extensions"})
    return forge


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
@pytest.mark.parametrize("name", FORGED)
def test_forged_certificate(thimble, fake, forged, name, tls):
    code, words, _ = FORGED[name]
    broker = fake(nothing, tls=forged.server(name, lowest=tls, highest=tls))
    thimble("pub", *broker.where, *forged.trust(), *PUB).ends_refused(code, *words)
    shares_no_suite = (name, tls) == ("p_224", "1.2")  # then AES-256 is offered as well
    assert broker.attempts == (2 if shares_no_suite else 1)


def test_chain_without_its_intermediate(thimble, fake, forged):
    forged.issue("middle", CA)
    forged.issue("orphan", SERVER, LOCALHOST, issuer="middle")
    context = server(forged.path("orphan.crt"), forged.path("orphan.key"))
    broker = fake(nothing, tls=context)
    thimble("pub", *broker.where, *forged.trust(), *PUB).ends_refused(72, "not issued by any of the CA")


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
@pytest.mark.parametrize("kind", ["ec", "rsa"])
@pytest.mark.parametrize("what, code, words", [
    ("server-expired", 70, ["expired", "clock"]), ("server-wrongname", 73, ["not for this name"])])
def test_laboratory_certificate(thimble, fake, lab, kind, what, code, words, tls):
    context = server(lab.path(kind, f"{what}.pem"), lab.path(kind, "server.key"), lowest=tls,
                     highest=tls)
    broker = fake(nothing, tls=context)
    done = thimble("pub", *broker.where, *lab.identity(kind), *PUB)
    done.ends_refused(code, *words)


@pytest.mark.parametrize("command", [["pub", "-m", "x"], ["sub"]])
def test_other_authority(thimble, lab, command):
    words = lab.tls()
    words[words.index("--cafile") + 1] = lab.path("other", "root.pem")
    thimble(*command, *words, "-t", "t").ends_refused(72, "not issued by any of the CA")


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_old_tls_only(thimble, fake, forge, version):
    forge.issue("fine", SERVER, LOCALHOST)
    broker = fake(nothing, tls=forge.server("fine", lowest=version, highest=version))
    thimble("pub", *broker.where, *forge.trust(), *PUB).ends_refused(77, "TLS version")


@pytest.mark.parametrize("ours, theirs", [("1.2", "1.3"), ("1.3", "1.2")])
def test_no_version_in_common(thimble, fake, forge, ours, theirs):
    forge.issue("fine", SERVER, LOCALHOST)
    broker = fake(nothing, tls=forge.server("fine", lowest=theirs, highest=theirs))
    done = thimble("pub", *broker.where, *forge.trust(), "--tls-version", ours, *PUB)
    done.ends_refused(77, "TLS version")


@pytest.mark.parametrize("ciphers", ["ECDHE-ECDSA-AES128-SHA256", "AES128-GCM-SHA256",
                                     "ECDHE-ECDSA-AES256-SHA", "aNULL", "eNULL"])
def test_no_suite_in_common(thimble, fake, forge, ciphers):
    """CBC, static RSA, SHA-1, anonymous, unencrypted: not offered."""
    forge.issue("fine", SERVER, LOCALHOST)
    context = forge.server("fine", highest="1.2", ciphers=f"{ciphers}:@SECLEVEL=0")
    broker = fake(nothing, tls=context)
    thimble("pub", *broker.where, *forge.trust(), *PUB).ends_refused(77, "cipher suite")


# ---- what is not TLS ----------------------------------------------------------------------------

NOT_TLS = {
    "http": (says(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), 8, "TLS"),
    "garbage": (says(bytes(range(255, 0, -1))), 8, "TLS"),
    "mqtt": (says(b"\x20\x02\x00\x00"), 7, "TLS port"),
    "zeros": (says(bytes(4096)), 8, "TLS"),
    "ssh": (says(b"SSH-2.0-OpenSSH_9.2\r\n"), 8, "TLS"),
    "alert_handshake_failure": (says(b"\x15\x03\x03\x00\x02\x02\x28"), 77, "handshake_failure"),
    "alert_protocol_version": (says(b"\x15\x03\x03\x00\x02\x02\x46"), 77, "protocol_version"),
    "alert_internal_error": (says(b"\x15\x03\x03\x00\x02\x02\x50"), 8, "internal_error"),
    "oversized_record": (says(b"\x16\x03\x03\xff\xff" + bytes(70000)), 8, "TLS"),
    "half_a_record": (says(b"\x16\x03\x03\x00\x50\x02"), 7, "TLS port"),
    "half_a_record_and_silence": (stalls_after(b"\x16\x03\x03\x00\x50\x02"), 27, "TLS handshake"),
    "close": (says(b""), 7, "TLS port"),
    "reset": (resets, 7, "TLS port"),
    "silence": (stalls_after(b""), 27, "TLS handshake"),
}


@pytest.mark.parametrize("name", NOT_TLS)
def test_not_tls(thimble, fake, lab, name):
    script, code, word = NOT_TLS[name]
    broker = fake(script)
    done = thimble("pub", *broker.where, *lab.identity(), "--timeout-tls",
                   patient(0.5 if code == 27 else 10), *PUB)
    done.ends_refused(code, word)
    assert broker.attempts == (2 if word == "handshake_failure" else 1)  # more suites are offered


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("name", ["http", "garbage", "zeros", "ssh"])
def test_not_tls_for_one_version(thimble, fake, lab, name, version):
    """It is not taken for a server of another version."""
    broker = fake(NOT_TLS[name][0])
    done = thimble("pub", *broker.where, *lab.identity(), "--tls-version", version, *PUB)
    done.ends_refused(8, "does not speak TLS on this port")
