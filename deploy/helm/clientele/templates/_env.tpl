{{- /* The environment of a service as a YAML map: a text, or { secret, key }. (list $ "customer-service" $service) */ -}}
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
{{- $_ := include "clientele.rabbitmqEnv" $root | fromYaml | mustMergeOverwrite $env -}}
{{- $_ := include "clientele.databaseEnv" (list $root $facts.schema $service) | fromYaml | mustMergeOverwrite $env -}}
{{- with $v.telemetry.otlpEndpoint }}{{- $_ := set $env "OTEL_EXPORTER_OTLP_ENDPOINT" . -}}{{- end -}}
{{- with $v.telemetry.sentry.existingSecret }}{{- $_ := set $env "SENTRY_DSN" (dict "secret" . "key" $v.telemetry.sentry.key) -}}{{- end -}}
{{- $_ := include "clientele.certificatesEnv" $root | fromYaml | mustMergeOverwrite $env -}}
{{- range $facts.calls -}}
{{- $prefix := . | upper | replace "-" "_" -}}
{{- $_ := set $env (printf "%s_URL" $prefix) (printf "http://%s-%s:8000" $full .) -}}
{{- if eq $name "gateway" -}}{{- $_ := set $env (printf "%s_INTERNAL_URL" $prefix) (printf "http://%s-%s:8100" $full .) -}}{{- end -}}
{{- end -}}
{{- $_ := include "clientele.fileOf" (list $root "settings" $name) | fromYaml | mustMergeOverwrite $env -}}
{{- range $key, $value := $env }}
{{ $key }}: {{ if kindIs "map" $value }}{{ toJson $value }}{{ else }}{{ $value | toString | quote }}{{ end }}
{{- end }}
{{- range $key, $value := $service.env }}
{{ $key }}: {{ $value | toString | quote }}
{{- end }}
{{- end -}}

{{- /* The same as a list for a container. (list $ name $service) */ -}}
{{- define "clientele.env" -}}
{{ include "clientele.envList" (include "clientele.envMap" . | fromYaml) }}
{{- with (index . 2).extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* Secrets first, because other variables are made of them. */ -}}
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
{{- with $root.Values.postgresql -}}
{{- $secret := $own.existingSecret | default (printf "%s%s" .secretPrefix $schema) -}}
{{- if and $schema $own.urlKey }}
DATABASE_URL: { secret: {{ $secret }}, key: {{ $own.urlKey }} }
{{- else if $schema }}
DATABASE_PASSWORD: { secret: {{ $secret }}, key: {{ .passwordKey }} }
DATABASE_URL: {{ printf "postgres://clientele_%s:$(DATABASE_PASSWORD)@%s:%v/%s" $schema .host .port .database | quote }}
{{- end }}
{{- if and $schema .sslMode }}
PGSSLMODE: {{ .sslMode }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "clientele.rabbitmqEnv" -}}
{{- with .Values.rabbitmq }}
{{- if .existingSecret.urlKey }}
RABBITMQ_URL: { secret: {{ .existingSecret.name }}, key: {{ .existingSecret.urlKey }} }
{{- else }}
RABBITMQ_USERNAME: { secret: {{ .existingSecret.name }}, key: {{ .existingSecret.usernameKey }} }
RABBITMQ_PASSWORD: { secret: {{ .existingSecret.name }}, key: {{ .existingSecret.passwordKey }} }
RABBITMQ_URL: {{ printf "%s://$(RABBITMQ_USERNAME):$(RABBITMQ_PASSWORD)@%s:%v/%s" (ternary "amqps" "amqp" .tls) .host .port (.vhost | replace "/" "%2F") | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* What only this service needs: files/settings/<service>.yaml as a template, where there is one. (list $ "settings" $name) */ -}}
{{- define "clientele.fileOf" -}}
{{- $root := index . 0 -}}
{{- tpl ($root.Files.Get (printf "files/%s/%s.yaml" (index . 1) (index . 2))) $root -}}
{{- end -}}

{{- /* The key that links to photos are signed with. */ -}}
{{- define "clientele.env.signing" -}}
{{- with .Values.media.signingKey -}}
MEDIA_SIGNING_KEY: { secret: {{ .existingSecret | default (include "clientele.generatedSecretName" $) }}, key: {{ .key }} }
{{- end }}
{{- end -}}
