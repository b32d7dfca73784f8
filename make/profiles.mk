# The profiles beside default, in one table and one budget; hub has a file of its own.

profiles := small tiny fast

.PHONY: profiles profile-programs $(addprefix profile-,$(profiles))
profiles: all profile-programs lab-tools test-tools ## every profile: built, measured, tested
	@$(PYTHON) tools/profiles.py default $(profiles)
profile-programs: $(addprefix profile-,$(profiles))
$(addprefix profile-,$(profiles)): profile-%: | sources
	@$(MAKE) --no-print-directory PROFILE=$* build/$*/thimble
