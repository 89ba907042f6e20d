{{- define "clientele.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "clientele.fullname" -}}
{{- $name := include "clientele.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- /* Labels that select the pods of a component: (list $ "customer-service") */ -}}
{{- define "clientele.selectorLabels" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "clientele.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "clientele.labels" -}}
{{- $root := index . 0 -}}
{{ include "clientele.selectorLabels" . }}
app.kubernetes.io/part-of: {{ include "clientele.name" $root }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- with $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* The values of a service as YAML: defaults, overridden by its own. (list $ "customer-service") */ -}}
{{- define "clientele.service" -}}
{{- $root := index . 0 -}}
{{- $own := index $root.Values.services (index . 1) | default dict -}}
{{- $defaults := deepCopy $root.Values.defaults -}}
{{- if eq (index . 1) "image-decoder" -}}
{{- /* The image is that of media-service. Of the settings of all services, which may be secrets, it gets none. */}}
{{- $secret := dict "env" dict "extraEnv" list "extraVolumes" list "extraVolumeMounts" list "serviceAccount" dict -}}
{{- $image := (include "clientele.service" (list $root "media-service") | fromYaml).image -}}
{{- $defaults = merge (dict "image" $image) $secret (omit $defaults "image" "env" "extraEnv" "extraVolumes" "extraVolumeMounts" "serviceAccount") -}}
{{- end -}}
{{- mustMergeOverwrite $defaults (deepCopy $own) | toYaml -}}
{{- end -}}

{{- /* (list $ "customer-service" $service) */ -}}
{{- define "clientele.image" -}}
{{- $root := index . 0 -}}{{- $name := index . 1 -}}{{- $own := (index . 2).image -}}
{{- $repository := $own.repository -}}
{{- if not $repository -}}
{{- $parts := list -}}
{{- with $root.Values.image.registry -}}{{- $parts = append $parts . -}}{{- end -}}
{{- with $root.Values.image.repository -}}{{- $parts = append $parts . -}}{{- end -}}
{{- $repository = append $parts $name | join "/" -}}
{{- end -}}
{{- if $own.digest -}}
{{- printf "%s@%s" $repository $own.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository ($own.tag | default $root.Values.image.tag | default $root.Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{- define "clientele.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "clientele.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
privileged: false
capabilities: { drop: [ALL] }
{{- end -}}

{{- /* The volume of trusted certificates, with its mount and its variable below. */ -}}
{{- define "clientele.certificatesVolume" -}}
{{- with .Values.trustedCertificates -}}
{{- if .secret }}
- { name: certificates, secret: { secretName: {{ .secret }}, items: [{ key: {{ .key }}, path: {{ .key }} }] } }
{{- else if .configMap }}
- { name: certificates, configMap: { name: {{ .configMap }}, items: [{ key: {{ .key }}, path: {{ .key }} }] } }
{{- end }}
{{- end }}
{{- end -}}

{{- define "clientele.certificatesMount" -}}
{{- if include "clientele.certificatesVolume" . }}
- { name: certificates, mountPath: /etc/clientele/certificates, readOnly: true }
{{- end }}
{{- end -}}

{{- /* A map of variables, see _env.tpl. */ -}}
{{- define "clientele.certificatesEnv" -}}
{{- if include "clientele.certificatesVolume" . }}
NODE_EXTRA_CA_CERTS: /etc/clientele/certificates/{{ .Values.trustedCertificates.key }}
{{- end }}
{{- end -}}

{{- define "clientele.generatedSecretName" -}}
{{- printf "%s-generated" (include "clientele.fullname" .) -}}
{{- end -}}

{{- define "clientele.mediaClaim" -}}
{{- .Values.media.folder.existingClaim | default (printf "%s-media" (include "clientele.fullname" .)) -}}
{{- end -}}

{{- /* Host of publicUrl, for Ingress and HTTPRoute. */ -}}
{{- define "clientele.publicHost" -}}
{{- (urlParse .Values.publicUrl).host | splitList ":" | first -}}
{{- end -}}

{{- /* Port of a URL, or the default port of its scheme. */ -}}
{{- define "clientele.portOf" -}}
{{- $url := urlParse . -}}
{{- $parts := splitList ":" $url.host -}}
{{- if gt (len $parts) 1 -}}{{- last $parts -}}{{- else if eq $url.scheme "https" -}}443{{- else -}}80{{- end -}}
{{- end -}}
