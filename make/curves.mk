# The arithmetic of curves beside OpenSSL's: tests/differential/test_curves.py.

curves := $(B)/curves

$(curves): $(B)/lib/tests/differential/curves.o $(call objects,lib,$(library_c)) \
           $(B)/lib/libwolfssl.a
	$(call say,LINK,$@)$(CC.lib) -Wl,--gc-sections -o $@ $^ -lpthread

check check-all differential: $(curves)
