# The service alone, without the embedded database; one process, no root, nothing written to its own file system.
FROM python:3.13-slim AS build
RUN python -m venv --without-pip /venv
WORKDIR /app
COPY requirements.txt .
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python /venv/bin/python install --quiet --require-hashes --requirement requirements.txt
COPY . .
# Editable, since migrations and seeds stand beside the package and not in it.
RUN pip --python /venv/bin/python install --quiet --no-deps --no-build-isolation --editable . \
    && python -m compileall -q service \
    && chmod -R a+rX .

FROM python:3.13-slim
COPY --from=build /venv /venv
COPY --from=build /app /app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
ENTRYPOINT ["irritants"]
CMD ["serve", "--host", "0.0.0.0"]
