{{- /*
What follows from the code and is nobody's choice: the schema of each service, and whom it calls. It comes from services.json
at the root of the repository (files/services.json leads there); the gateway calls every service. Values may not change it.
*/ -}}
{{- define "clientele.facts" -}}
{{- $names := list -}}
{{- $facts := dict -}}
{{- range (.Files.Get "files/services.json" | fromJson).services -}}
{{- $names = append $names .name -}}
{{- $_ := set $facts .name (dict "schema" .schema "calls" (.calls | default list)) -}}
{{- end -}}
{{- $_ := set $facts "gateway" (dict "calls" $names) -}}
{{- toYaml $facts -}}
{{- end -}}

{{- /* Everything that is missing or contradictory, in one message. */ -}}
{{- define "clientele.check" -}}
{{- $v := .Values -}}
{{- $faults := list -}}
{{- range $name, $_ := $v.services -}}
{{- if not (hasKey (include "clientele.facts" $ | fromYaml) $name) -}}
{{- $faults = append $faults (printf "services.%s is no service" $name) -}}
{{- end -}}
{{- end -}}
{{- if not $v.publicUrl -}}{{- $faults = append $faults "publicUrl is missing: the address that browsers know" -}}{{- end -}}
{{- if not $v.postgresql.host -}}{{- $faults = append $faults "postgresql.host is missing" -}}{{- end -}}
{{- if not (or $v.rabbitmq.host $v.rabbitmq.existingSecret.urlKey) -}}{{- $faults = append $faults "rabbitmq.host or rabbitmq.existingSecret.urlKey is missing" -}}{{- end -}}
{{- if not $v.keycloak.url -}}{{- $faults = append $faults "keycloak.url is missing: Keycloak as the services reach it" -}}{{- end -}}
{{- if and (eq $v.media.store "gcs") (not $v.media.bucket) -}}{{- $faults = append $faults "media.bucket is missing; media.store: folder keeps photos on a volume" -}}{{- end -}}
{{- if and (eq $v.notifications.sms.provider "africastalking") (not (and $v.notifications.sms.username $v.notifications.sms.existingSecret)) -}}{{- $faults = append $faults "notifications.sms needs username and existingSecret" -}}{{- end -}}
{{- if and $v.notifications.mail.existingSecret (not $v.notifications.mail.from) -}}{{- $faults = append $faults "notifications.mail.from is missing" -}}{{- end -}}
{{- if and $v.httpRoute.enabled (not $v.httpRoute.parentRefs) -}}{{- $faults = append $faults "httpRoute.parentRefs is missing" -}}{{- end -}}
{{- if and (eq $v.profile "production") (not (hasPrefix "https://" $v.publicUrl)) $v.publicUrl -}}
{{- if or $v.ingress.tlsSecret $v.httpRoute.enabled -}}{{- $faults = append $faults "publicUrl begins with http:, but what leads there is https" -}}{{- end -}}
{{- end -}}
{{- if $faults -}}{{- fail (printf "\n\nclientele: %s\n" (join "\nclientele: " $faults)) -}}{{- end -}}
{{- end -}}
