# Package of Buildroot, for BR2_EXTERNAL. THIMBLE_OVERRIDE_SRCDIR says where the sources are if not
# two directories up; wolfSSL and cJSON come in the versions that config/deps.pin names, as
# `make sources` has put them there.

THIMBLE_VERSION = 0.1.0
THIMBLE_SITE = $(THIMBLE_PKGDIR)/../..
THIMBLE_SITE_METHOD = local
THIMBLE_LICENSE = MIT (thimble, cJSON), GPL-3.0+ (wolfSSL)
THIMBLE_LICENSE_FILES = LICENSE

define THIMBLE_BUILD_CMDS
	$(TARGET_MAKE_ENV) $(MAKE) -C $(@D) build/thimble MUSL_CC="$(TARGET_CC)" \
		CROSS="$(TARGET_CROSS)" KERNEL_HEADERS="$(STAGING_DIR)/usr/include" PYTHON=python3
endef

define THIMBLE_INSTALL_TARGET_CMDS
	$(INSTALL) -D -m 0755 $(@D)/build/thimble $(TARGET_DIR)/usr/bin/thimble
	$(INSTALL) -d -m 0755 $(TARGET_DIR)/etc/thimble
endef

define THIMBLE_INSTALL_INIT_SYSV
	$(INSTALL) -D -m 0755 $(@D)/dist/busybox/S70thimble $(TARGET_DIR)/etc/init.d/S70thimble
endef

define THIMBLE_INSTALL_INIT_SYSTEMD
	$(INSTALL) -D -m 0644 $(@D)/dist/systemd/thimble-agent@.service \
		$(TARGET_DIR)/usr/lib/systemd/system/thimble-agent@.service
endef

$(eval $(generic-package))
