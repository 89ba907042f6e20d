{{- /*
What follows from the code: the schema of each service, and the services that it calls or whose internal port it reads. It comes from services.json at the root of
the repository (files/services.json links to it); the gateway calls every service. Values cannot change it.
*/ -}}
{{- define "clientele.facts" -}}
{{- $names := list -}}
{{- $facts := dict -}}
{{- range (.Files.Get "files/services.json" | fromJson).services -}}
{{- $names = append $names .name -}}
{{- $_ := set $facts .name (dict "schema" .schema "calls" (.calls | default list) "reads" (.reads | default list)) -}}
{{- end -}}
{{- $_ := set $facts "gateway" (dict "calls" $names "reads" list) -}}
{{- toYaml $facts -}}
{{- end -}}

{{- /* What has a Deployment: the services, and the decoder of images. */ -}}
{{- define "clientele.deployments" -}}
{{- $names := include "clientele.facts" . | fromYaml | keys -}}
{{- if .Values.media.decoder.enabled -}}{{- $names = append $names "image-decoder" -}}{{- end -}}
{{- $names | sortAlpha | toYaml -}}
{{- end -}}

{{- /* Reports all missing or contradictory values in one message. */ -}}
{{- define "clientele.check" -}}
{{- $v := .Values -}}
{{- $faults := list -}}
{{- range $name, $_ := $v.services -}}
{{- if not (has $name (append (include "clientele.facts" $ | fromYaml | keys) "image-decoder")) -}}
{{- $faults = append $faults (printf "services.%s is not a service" $name) -}}
{{- end -}}
{{- end -}}
{{- if not $v.publicUrl -}}{{- $faults = append $faults "publicUrl is missing: the public address of the gateway" -}}{{- end -}}
{{- if not $v.postgresql.host -}}{{- $faults = append $faults "postgresql.host is missing" -}}{{- end -}}
{{- if and $v.rabbitmq.existingSecret.urlKey (not $v.rabbitmq.existingSecret.name) -}}{{- $faults = append $faults "rabbitmq.existingSecret.urlKey needs rabbitmq.existingSecret.name" -}}{{- end -}}
{{- if not (or $v.rabbitmq.host $v.rabbitmq.existingSecret.urlKey) -}}{{- $faults = append $faults "rabbitmq.host or rabbitmq.existingSecret.urlKey is missing" -}}{{- end -}}
{{- if not $v.keycloak.url -}}{{- $faults = append $faults "keycloak.url is missing: the address by which the services reach Keycloak" -}}{{- end -}}
{{- if and (eq $v.media.store "gcs") (not $v.media.bucket) -}}{{- $faults = append $faults "media.bucket is missing; use media.store: folder to store photos on a volume" -}}{{- end -}}
{{- if and (eq $v.notifications.sms.provider "africastalking") (not (and $v.notifications.sms.username $v.notifications.sms.existingSecret)) -}}{{- $faults = append $faults "notifications.sms needs username and existingSecret" -}}{{- end -}}
{{- if and (eq $v.notifications.sms.provider "africastalking") (empty $v.notifications.sms.countries) -}}{{- $faults = append $faults "notifications.sms.countries needs the countries of your customers" -}}{{- end -}}
{{- if and $v.notifications.mail.existingSecret (not $v.notifications.mail.from) -}}{{- $faults = append $faults "notifications.mail.from is missing" -}}{{- end -}}
{{- if and $v.httpRoute.enabled (not $v.httpRoute.parentRefs) -}}{{- $faults = append $faults "httpRoute.parentRefs is missing" -}}{{- end -}}
{{- if and (eq $v.profile "production") (not (hasPrefix "https://" $v.publicUrl)) $v.publicUrl -}}
{{- if or $v.ingress.tlsSecret $v.httpRoute.enabled -}}{{- $faults = append $faults "publicUrl begins with http:, but ingress or httpRoute uses https" -}}{{- end -}}
{{- end -}}
{{- if $faults -}}{{- fail (printf "\n\nclientele: %s\n" (join "\nclientele: " $faults)) -}}{{- end -}}
{{- end -}}
