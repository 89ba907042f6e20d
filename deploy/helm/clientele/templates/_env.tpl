{{- /* The environment of a service as a YAML map. A value is a string or { secret, key }. (list $ "customer-service" $service) */ -}}
{{- define "clientele.envMap" -}}
{{- $root := index . 0 -}}{{- $name := index . 1 -}}{{- $service := index . 2 -}}{{- $v := $root.Values -}}
{{- $full := include "clientele.fullname" $root -}}
{{- $facts := index (include "clientele.facts" $root | fromYaml) $name -}}
{{- $env := dict
  "PROFILE" $v.profile
  "LOG_LEVEL" $v.logLevel
  "PUBLIC_URL" $v.publicUrl
  "SHUTDOWN_PAUSE_MS" $service.shutdown.pauseMs
  "SHUTDOWN_MS" $service.shutdown.totalMs
  "KEYCLOAK_URL" $v.keycloak.url
  "KEYCLOAK_ISSUER" (printf "%s/realms/%s" ($v.keycloak.publicUrl | default $v.keycloak.url | trimSuffix "/") $v.keycloak.realm)
  "KEYCLOAK_AUDIENCE" $v.keycloak.audience
-}}
{{- $_ := include "clientele.rabbitmqEnv" (list $root $name $service) | fromYaml | mustMergeOverwrite $env -}}
{{- $_ := include "clientele.databaseEnv" (list $root $facts.schema $service) | fromYaml | mustMergeOverwrite $env -}}
{{- with $v.telemetry.otlpEndpoint }}{{- $_ := set $env "OTEL_EXPORTER_OTLP_ENDPOINT" . -}}{{- end -}}
{{- with $v.telemetry.sentry.existingSecret }}{{- $_ := set $env "SENTRY_DSN" (dict "secret" . "key" $v.telemetry.sentry.key) -}}{{- end -}}
{{- $_ := include "clientele.certificatesEnv" $root | fromYaml | mustMergeOverwrite $env -}}
{{- range $facts.calls -}}
{{- $prefix := . | upper | replace "-" "_" -}}
{{- $_ := set $env (printf "%s_URL" $prefix) (printf "http://%s-%s:8000" $full .) -}}
{{- if eq $name "gateway" -}}{{- $_ := set $env (printf "%s_INTERNAL_URL" $prefix) (printf "http://%s-%s:8100" $full .) -}}{{- end -}}
{{- end -}}
{{- range $facts.reads -}}
{{- $_ := set $env (printf "%s_INTERNAL_URL" (. | upper | replace "-" "_")) (printf "http://%s-%s:8100" $full .) -}}
{{- end -}}
{{- if ne $name "user-service" -}}{{- $_ := set $env "USER_SERVICE_INTERNAL_URL" (printf "http://%s-user-service:8100" $full) -}}{{- end -}}
{{- $_ := include "clientele.fileOf" (list $root "settings" $name) | fromYaml | mustMergeOverwrite $env -}}
{{- range $key, $value := $env }}
{{ $key }}: {{ if kindIs "map" $value }}{{ toJson $value }}{{ else }}{{ $value | toString | quote }}{{ end }}
{{- end }}
{{- range $key, $value := $service.env }}
{{ $key }}: {{ $value | toString | quote }}
{{- end }}
{{- end -}}

{{- /* The same of the decoder of images, which has no secret. (list $ "image-decoder" $service) */ -}}
{{- define "clientele.decoderEnvMap" -}}
{{- $service := index . 2 -}}
LOG_LEVEL: {{ (index . 0).Values.logLevel }}
SHUTDOWN_MS: {{ $service.shutdown.totalMs | toString | quote }}
IMAGE_SANDBOX: none
{{- range $key, $value := $service.env }}
{{ $key }}: {{ $value | toString | quote }}
{{- end }}
{{- end -}}

{{- /* The same as the list env of a container. (list $ name $service) */ -}}
{{- define "clientele.env" -}}
{{- $map := eq (index . 1) "image-decoder" | ternary "clientele.decoderEnvMap" "clientele.envMap" -}}
{{ include "clientele.envList" (include $map . | fromYaml) }}
{{- with (index . 2).extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* Secrets come first, because other variables refer to them. */ -}}
{{- define "clientele.envList" -}}
{{- range $key, $value := . }}
{{- if kindIs "map" $value }}
- name: {{ $key }}
  valueFrom: { secretKeyRef: { name: {{ $value.secret }}, key: {{ $value.key }} } }
{{- end }}
{{- end }}
{{- range $key, $value := . }}
{{- if not (kindIs "map" $value) }}
- name: {{ $key }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* DATABASE_URL of a schema. (list $ "customers" $service) */ -}}
{{- define "clientele.databaseEnv" -}}
{{- $root := index . 0 -}}{{- $schema := index . 1 -}}{{- $own := (index . 2).database | default dict -}}
{{- if $schema -}}
{{- $secret := $own.existingSecret | default (printf "%s%s" $root.Values.postgresql.secretPrefix $schema) -}}
{{ include "clientele.databaseUrlEnv" (list $root $secret $own.urlKey (printf "clientele_%s" $schema)) }}
{{- end }}
{{- end -}}

{{- /* The same with the role that owns the schema, for migrations. */ -}}
{{- define "clientele.ownerDatabaseEnv" -}}
{{- $root := index . 0 -}}{{- $own := (index . 2).database | default dict -}}
{{- $urlKey := $own.ownerUrlKey | default $own.urlKey -}}
{{- with $root.Values.postgresql -}}
{{- if or $urlKey (not .owner) -}}
{{ include "clientele.databaseEnv" (list $root (index $ 1) (dict "database" (merge (dict "urlKey" $urlKey) $own))) }}
{{- else -}}
{{- $secret := .ownerSecret | default (printf "%sowner" .secretPrefix) -}}
{{ include "clientele.databaseUrlEnv" (list $root $secret "" .owner) }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* DATABASE_URL from a complete URL in a Secret, or with a role and its password. (list $ $secret $urlKey $role) */ -}}
{{- define "clientele.databaseUrlEnv" -}}
{{- $secret := index . 1 -}}{{- $urlKey := index . 2 -}}{{- $role := index . 3 -}}
{{- with (index . 0).Values.postgresql -}}
{{- if $urlKey }}
DATABASE_URL: { secret: {{ $secret }}, key: {{ $urlKey }} }
{{- else }}
DATABASE_PASSWORD: { secret: {{ $secret }}, key: {{ .passwordKey }} }
DATABASE_URL: {{ printf "postgres://%s:$(DATABASE_PASSWORD)@%s:%v/%s" $role .host .port .database | quote }}
{{- end }}
{{- if .sslMode }}
PGSSLMODE: {{ .sslMode }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* RABBITMQ_URL with the service's own account, or with the account of all services. (list $ "customer-service" $service) */ -}}
{{- define "clientele.rabbitmqEnv" -}}
{{- $root := index . 0 -}}{{- $name := index . 1 -}}
{{- $own := (index . 2).broker | default dict -}}
{{- with $root.Values.rabbitmq -}}
{{- $secret := coalesce $own.existingSecret .existingSecret.name (printf "%s%s" .secretPrefix $name) -}}
{{- $urlKey := ternary $own.urlKey .existingSecret.urlKey (not (empty $own.existingSecret)) -}}
{{- if $urlKey }}
RABBITMQ_URL: { secret: {{ $secret }}, key: {{ $urlKey }} }
{{- else }}
RABBITMQ_USERNAME: { secret: {{ $secret }}, key: {{ .existingSecret.usernameKey }} }
RABBITMQ_PASSWORD: { secret: {{ $secret }}, key: {{ .existingSecret.passwordKey }} }
RABBITMQ_URL: {{ printf "%s://$(RABBITMQ_USERNAME):$(RABBITMQ_PASSWORD)@%s:%v/%s" (ternary "amqps" "amqp" .tls) .host .port (.vhost | replace "/" "%2F") | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* Settings of one service: files/settings/<service>.yaml as a template, if it exists. (list $ "settings" $name) */ -}}
{{- define "clientele.fileOf" -}}
{{- $root := index . 0 -}}
{{- tpl ($root.Files.Get (printf "files/%s/%s.yaml" (index . 1) (index . 2))) $root -}}
{{- end -}}

{{- /* The key that signs links to photos. */ -}}
{{- define "clientele.env.signing" -}}
{{- with .Values.media.signingKey -}}
MEDIA_SIGNING_KEY: { secret: {{ .existingSecret | default (include "clientele.generatedSecretName" $) }}, key: {{ .key }} }
{{- end }}
{{- end -}}
