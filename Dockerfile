# The service without the embedded database. The container runs one process, without root rights, and writes nothing to its
# file system. It needs no account and no home folder, so it works with any --user and with --read-only.
FROM python:3.13-slim AS build
RUN python -m venv --without-pip /venv
WORKDIR /build
COPY requirements.txt .
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python /venv/bin/python install --quiet --require-hashes --requirement requirements.txt
COPY . .
RUN pip --python /venv/bin/python install --quiet --no-deps --no-build-isolation .

FROM python:3.13-slim
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# `make image` passes the version in pyproject.toml. Other builds have the label `unknown`.
ARG VERSION=unknown
LABEL org.opencontainers.image.title="Irritants" \
    org.opencontainers.image.description="The record of bilateral irritants" \
    org.opencontainers.image.version="$VERSION" \
    org.opencontainers.image.vendor="Irritants maintainers"
USER 10001:10001
EXPOSE 8000
# Check every second, so that a container is healthy soon after it is ready. --start-interval would cost less, but Docker
# before 25 refuses it (docker-compose.engine-25.yml has it). Bash takes 3 ms for a check, and starting Python takes 60 ms.
HEALTHCHECK --interval=1s --timeout=5s --start-period=60s --retries=15 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8000 && printf 'GET /readyz HTTP/1.0\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [ $status = 200 ]"]
ENTRYPOINT ["irritants"]
CMD ["serve", "--host", "0.0.0.0"]
