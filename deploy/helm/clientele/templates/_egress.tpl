{{- /* Egress rules by destination. */ -}}
{{- define "clientele.egressDns" -}}
- ports: [{ port: 53, protocol: UDP }, { port: 53, protocol: TCP }]
{{- end -}}

{{- define "clientele.egressPostgresql" -}}
- ports: [{ port: {{ .Values.postgresql.port }} }]
  {{- with .Values.networkPolicy.to.postgresql }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{- define "clientele.egressRabbitmq" -}}
- ports: [{ port: {{ .Values.rabbitmq.port }} }]
  {{- with .Values.networkPolicy.to.rabbitmq }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{- define "clientele.egressKeycloak" -}}
- ports:
    - port: {{ include "clientele.portOf" .Values.keycloak.url }}
    {{- range .Values.networkPolicy.keycloakPorts }}
    - port: {{ . }}
    {{- end }}
  {{- with .Values.networkPolicy.to.keycloak }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{- /*
Receivers of webhooks: public addresses, and the networks that were allowed. Nothing of the cluster and no private network; activity-service
itself checks every address that it connects to.
*/ -}}
{{- define "clientele.egressWebhooks" -}}
{{- $private := list "0.0.0.0/8" "10.0.0.0/8" "100.64.0.0/10" "127.0.0.0/8" "169.254.0.0/16" "172.16.0.0/12" "192.0.0.0/24" "192.168.0.0/16" "198.18.0.0/15" "224.0.0.0/4" "240.0.0.0/4" "168.63.129.16/32" -}}
{{- $privateV6 := list -}}
{{- range .Values.networkPolicy.clusterNetworks -}}
{{- if contains ":" . }}{{- $privateV6 = append $privateV6 . -}}{{- else -}}{{- $private = append $private . -}}{{- end -}}
{{- end -}}
- ports:
    {{- if .Values.webhooks.allowHttp }}
    - port: 80
    {{- end }}
    - port: 443
    - { port: 1024, endPort: 65535 }
  to:
    - ipBlock: { cidr: 0.0.0.0/0, except: {{ toJson $private }} }
    - ipBlock: { cidr: "2000::/3"{{ with $privateV6 }}, except: {{ toJson . }}{{ end }} }
    {{- range .Values.webhooks.allowNetworks }}
    - ipBlock: { cidr: {{ . | quote }} }
    {{- end }}
{{- end -}}

{{- /* Ports outside the cluster; files/egress-ports/<service>.yaml adds those of a service. (list $ "media-service") */ -}}
{{- define "clientele.egressOutside" -}}
{{- $root := index . 0 -}}{{- $name := index . 1 -}}{{- $v := $root.Values -}}
{{- $ports := list -}}
{{- with $v.telemetry.otlpEndpoint -}}{{- $ports = append $ports (include "clientele.portOf" .) -}}{{- end -}}
{{- if $v.telemetry.sentry.existingSecret -}}{{- $ports = append $ports "443" -}}{{- end -}}
{{- range include "clientele.fileOf" (list $root "egress-ports" $name) | fromYamlArray -}}{{- $ports = append $ports (. | toString) -}}{{- end -}}
{{- with $ports | uniq }}
- ports:
    {{- range . }}
    - port: {{ . }}
    {{- end }}
{{- end }}
{{- if and (eq $name "media-service") (eq $v.media.store "gcs") (not $v.media.endpoint) }}
# Google's metadata server, which provides the credentials of Workload Identity.
- ports: [{ port: 80 }, { port: 988 }]
  to: [{ ipBlock: { cidr: 169.254.169.0/24 } }]
{{- end }}
{{- end -}}
