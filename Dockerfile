# The image of bulkjob. Every package in it comes from requirements.lock and is held to its hash; nothing is compiled, so no stage needs a compiler.
#
# BASE is a slim Python image (3.11 or newer, Debian), named by its digest so that the same commit gives the same image. Which one that is today:
#   docker buildx imagetools inspect python:3.13-slim-bookworm --format '{{.Manifest.Digest}}'
# Then:
#   docker build --build-arg BASE=python:3.13-slim-bookworm@sha256:… --build-arg REVISION="$(git rev-parse HEAD)" --tag bulkjob:0.1.0 .
ARG BASE

FROM ${BASE} AS build
WORKDIR /src
COPY requirements.lock requirements-build.lock ./
RUN ["python3", "-m", "venv", "/opt/build"]
RUN ["python3", "-m", "venv", "--without-pip", "/opt/bulkjob"]
RUN ["/opt/build/bin/pip", "install", "--no-cache-dir", "--require-hashes", "--only-binary", ":all:", "--requirement", "requirements-build.lock"]
RUN ["/opt/build/bin/pip", "--python", "/opt/bulkjob/bin/python", "install", "--no-cache-dir", "--require-hashes", "--only-binary", ":all:", "--requirement", "requirements.lock"]
# What changes most comes last. The wheel needs nothing more from anywhere: no index is asked.
COPY pyproject.toml README.md LICENSE ./
COPY bulkjob bulkjob
RUN ["/opt/build/bin/pip", "wheel", "--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", "/wheels", "."]
RUN ["/opt/build/bin/pip", "--python", "/opt/bulkjob/bin/python", "install", "--no-index", "--no-deps", "--find-links", "/wheels", "bulkjob"]
RUN ["/opt/build/bin/pip", "--python", "/opt/bulkjob/bin/python", "check"]
RUN ["/opt/bulkjob/bin/bulkjob", "--version"]

FROM ${BASE}
ARG BASE
ARG VERSION=0.1.0
ARG REVISION=""
LABEL org.opencontainers.image.title="bulkjob" \
      org.opencontainers.image.description="Puts Rocket.Chat Omnichannel departments, units and agents where a spreadsheet says" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${BASE}"
COPY --from=build /opt/bulkjob /opt/bulkjob
# Nothing in the image is written to when it runs, so its root may be read-only; the modules are compiled already.
ENV PATH=/opt/bulkjob/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUTF8=1
# A number, so that Kubernetes can see that it is not root. It has no name in /etc/passwd, and needs none.
USER 10001:10001
# Of `docker run --volume "$PWD:/work"`; in a cluster, every path is spelt out.
WORKDIR /work
ENTRYPOINT ["bulkjob"]
CMD ["--help"]
