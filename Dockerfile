# The images of the nodes (server, client) and of the lab itself, from Debian packages alone.
#
#     docker build --target server --tag peerlab/server .

FROM debian:trixie-slim AS base
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 \
    && apt-get clean \
    && rm -rf /var/lib/apt/lists/* /var/cache/debconf/*-old /var/log/apt /var/log/dpkg.log
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin peerlab \
    && install -d -o peerlab -g peerlab -m 0700 /run/terminals
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPATH=/app
WORKDIR /app

FROM base AS lab-base
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3-click python3-cryptography python3-jinja2 \
        python3-rich python3-yaml \
    && apt-get clean \
    && rm -rf /var/lib/apt/lists/* /var/cache/debconf/*-old /var/log/apt /var/log/dpkg.log
RUN install -d -o peerlab -g peerlab -m 0755 /runs

FROM base AS services-base
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3-cryptography \
    && apt-get clean \
    && rm -rf /var/lib/apt/lists/* /var/cache/debconf/*-old /var/log/apt /var/log/dpkg.log

# Byte code is made here: the root file system of a node may be read-only. It is never compared
# with its source again, which nobody changes in an image.
FROM services-base AS services
COPY services services
RUN ["python3", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", "services"]
USER 10001:10001

FROM services AS server
ENV CHAT_HOST=0.0.0.0
# Whether the port listens is read from the kernel: a connection would show up in the transcript.
HEALTHCHECK --interval=5s --timeout=2s --start-period=10s --start-interval=200ms --retries=3 \
    CMD ["sh", "-c", "grep -qsE \": [0-9A-F]+:$(printf %04X \"${CHAT_PORT:-12345}\") 0+:0000 0A \" /proc/net/tcp /proc/net/tcp6"]
ENTRYPOINT ["python3", "-m", "services.server"]

FROM services AS client
ENTRYPOINT ["python3", "-m", "services.client"]

# A node's part of the wire: owns its network, with NET_ADMIN and NET_RAW and nothing else.
FROM base AS wire
COPY peerlab/__init__.py peerlab/__init__.py
COPY peerlab/wire peerlab/wire
RUN ["python3", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", "peerlab"]
ENTRYPOINT ["python3", "-S", "-m", "peerlab.wire.relay"]

FROM lab-base AS lab
COPY --from=services /app /app
COPY peerlab peerlab
COPY scenarios scenarios
RUN ["python3", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", "peerlab"]
USER 10001:10001
ENTRYPOINT ["python3", "-m", "peerlab"]
