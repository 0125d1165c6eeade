"""Labs made of Linux namespaces: no container engine, no image, no root.

`lab.py` is the runner's side. The other side is a process of its own (`launch.py`): it makes the
namespaces and lives as process 1 of the lab's PID namespace, so that its end, by whatever means,
ends every node.
"""
