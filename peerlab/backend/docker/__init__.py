"""Labs of containers on a container engine.

`engine` finds the engine, `subnet` plans addresses, `images` keeps images up to date, `lab`
makes and removes the containers of a run, `attached` is one container's terminal, `sweep` removes
by label, `watchdog` does so when the runner can no longer do it.
"""
