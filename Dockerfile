# The controller's image: docker build -t wva:0.1.0 .
FROM python:3.11-slim AS build
WORKDIR /build
# What is locked is downloaded and checked by its hash; of it, the program takes what it needs and leaves the tools of
# its development.
COPY requirements.lock ./
RUN pip download --no-deps --require-hashes --only-binary :all: --requirement requirements.lock --dest /wheels
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN pip install --no-index --find-links /wheels hatchling \
    && pip wheel --no-deps --no-index --no-build-isolation --wheel-dir /wheels . \
    && python -m venv /opt/wva \
    && /opt/wva/bin/pip install --no-index --find-links /wheels wva \
    && /opt/wva/bin/pip uninstall --yes pip setuptools

FROM python:3.11-slim
# The certificate of the metrics is made with openssl where no other is given.
RUN openssl version && useradd --uid 65532 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin wva
COPY --from=build /opt/wva /opt/wva
ENV PATH=/opt/wva/bin:$PATH HOME=/tmp PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
ENTRYPOINT ["wva"]
CMD ["controller"]
