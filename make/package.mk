# What is handed on: a Debian package, and a root file system that holds nothing else. Both are the
# same bytes each time they are made from the same commit.

package_root := $(B)/package/root
package_date  = $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
architecture  = $(shell dpkg --print-architecture)
package       = $(B)/thimble_$(VERSION)_$(architecture).deb
image         = $(B)/thimble_$(VERSION)_$(architecture)_root.tar

.PHONY: deb image package-root
# Its manual and changes are compressed, as Debian has it; `install` may not see the file of before.
package-root: all manual
	@rm -rf $(package_root)
	@$(MAKE) --no-print-directory install DESTDIR=$(package_root) PREFIX=/usr >/dev/null
	@install -D -m 644 config/package/copyright $(package_root)/usr/share/doc/thimble/copyright
	@install -m 644 CHANGELOG.md $(package_root)/usr/share/doc/thimble/changelog
	@gzip -9n $(package_root)/usr/share/man/man1/*.1 $(package_root)/usr/share/doc/thimble/changelog

deb: package-root ## a Debian package: program, library, manual, completion
	@install -d $(package_root)/DEBIAN
	@sed 's|@VERSION@|$(VERSION)|; s|@ARCHITECTURE@|$(architecture)|; '\
	"s|@INSTALLED_KIB@|$$(du -sk --apparent-size $(package_root)/usr | cut -f1)|" \
	    config/package/control.in >$(package_root)/DEBIAN/control
	@SOURCE_DATE_EPOCH=$(package_date) dpkg-deb --root-owner-group --build $(package_root) \
	    $(package) >/dev/null
	$(call say,DEB,$(package))

image: package-root ## a tar file for an empty container: the program and its copyright
	@tar -C $(package_root)/usr --sort=name --mtime=@$(package_date) --owner=0 --group=0 \
	    --numeric-owner -cf $(image) bin/thimble share/doc/thimble/copyright
	$(call say,IMAGE,$(image))
