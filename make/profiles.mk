# The profiles beside default, in one table and one budget. hub's library has a file of its own.

profiles := small tiny client fast

.PHONY: profiles profile-programs $(addprefix profile-,$(profiles) hub)
profiles: all profile-programs profile-hub lab-tools test-tools
profiles: ## every profile: built, measured, tested
	@$(PYTHON) tools/profiles.py default $(profiles) hub
profile-programs: $(addprefix profile-,$(profiles))
$(addprefix profile-,$(profiles) hub): profile-%: | sources
	@$(MAKE) --no-print-directory PROFILE=$* build/$*/thimble
