# The service alone, without the embedded database; one process, no root, nothing written to its own file system. It needs
# neither an account nor a home folder: any --user does, and --read-only.
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
# `make image` gives the version that pyproject.toml has; a build without it does not know which it is.
ARG VERSION=unknown
LABEL org.opencontainers.image.title="Irritants" \
    org.opencontainers.image.description="The record of bilateral irritants" \
    org.opencontainers.image.version="$VERSION" \
    org.opencontainers.image.vendor="Irritants maintainers"
USER 10001:10001
EXPOSE 8000
# Each second, so that a container is healthy soon after it is ready. --start-interval would do that more cheaply, but Docker
# before 25 refuses the file (docker-compose.engine-25.yml has it). Bash asks in 3 ms, where starting Python takes 60.
HEALTHCHECK --interval=1s --timeout=5s --start-period=60s --retries=15 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8000 && printf 'GET /readyz HTTP/1.0\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [ $status = 200 ]"]
ENTRYPOINT ["irritants"]
CMD ["serve", "--host", "0.0.0.0"]
