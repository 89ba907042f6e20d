{{- /* What each service is told besides what all are told: a map as in _env.tpl. */ -}}
{{- define "clientele.env.gateway" -}}
CONSOLE_CLIENT_ID: {{ .Values.keycloak.consoleClientId | quote }}
TRUSTED_PROXIES: {{ .Values.trustedProxies | quote }}
CORS_ORIGINS: {{ join "," .Values.corsOrigins | quote }}
{{- end -}}

{{- define "clientele.env.user-service" -}}
{{- with .Values.keycloak }}
CONSOLE_CLIENT_ID: {{ .consoleClientId | quote }}
KEYCLOAK_CLIENT_ID: {{ .userServiceClientId | quote }}
KEYCLOAK_CLIENT_SECRET: { secret: {{ .existingSecret.name }}, key: {{ .existingSecret.userServiceKey }} }
LOGIN_CLIENT_ID: {{ .loginClientId | quote }}
LOGIN_CLIENT_SECRET: { secret: {{ .existingSecret.name }}, key: {{ .existingSecret.loginKey }} }
{{- end }}
{{- with .Values.auth }}
SIGNUP_ENABLED: {{ .signup.enabled | quote }}
SIGNUP_DEFAULT_ROLE: {{ .signup.defaultRole | quote }}
VERIFY_EMAIL: {{ .signup.verifyEmail | quote }}
PASSWORD_LOGIN_ENABLED: {{ .passwordLogin | quote }}
SMTP_CONFIGURED: {{ .smtpConfigured | quote }}
{{- end }}
{{- end -}}

{{- define "clientele.env.customer-service" -}}
{{ include "clientele.env.signing" . }}
CUSTOMER_REQUIRED_FIELDS: {{ join "," .Values.shop.requiredCustomerFields | quote }}
DEFAULT_COUNTRY: {{ .Values.shop.country | quote }}
{{- end -}}

{{- define "clientele.env.media-service" -}}
{{ include "clientele.env.signing" . }}
{{- with .Values.media.signingKey }}
{{- if .acceptedKey }}
MEDIA_SIGNING_KEYS_ACCEPTED: { secret: {{ .existingSecret | default (include "clientele.generatedSecretName" $) }}, key: {{ .acceptedKey }} }
{{- end }}
{{- end }}
{{- with .Values.media }}
MEDIA_STORE: {{ .store | quote }}
{{- if eq .store "gcs" }}
MEDIA_BUCKET: {{ .bucket | quote }}
MEDIA_REDIRECT: {{ .redirect | quote }}
GCS_ENDPOINT: {{ .endpoint | quote }}
{{- else }}
MEDIA_FOLDER: /var/lib/clientele/media
{{- end }}
{{- end }}
{{- end -}}

{{- define "clientele.env.order-service" -}}
{{ include "clientele.env.signing" . }}
SHOP_CURRENCY: {{ .Values.shop.currency | quote }}
{{- end -}}

{{- define "clientele.env.notification-service" -}}
SHOP_NAME: {{ .Values.shop.name | quote }}
SHOP_LOCALE: {{ .Values.shop.locale | quote }}
{{- with .Values.notifications }}
SMS_PROVIDER: {{ .sms.provider | quote }}
AFRICASTALKING_USERNAME: {{ .sms.username | quote }}
AFRICASTALKING_SENDER_ID: {{ .sms.senderId | quote }}
{{- if .sms.existingSecret }}
AFRICASTALKING_API_KEY: { secret: {{ .sms.existingSecret }}, key: {{ .sms.apiKeyKey }} }
{{- end }}
{{- if .mail.existingSecret }}
SMTP_URL: { secret: {{ .mail.existingSecret }}, key: {{ .mail.urlKey }} }
MAIL_FROM: {{ .mail.from | quote }}
{{- end }}
{{- if .callback.enabled }}
CALLBACK_SECRET: { secret: {{ .callback.existingSecret | default (include "clientele.generatedSecretName" $) }}, key: {{ .callback.key }} }
{{- end }}
{{- end }}
{{- end -}}

{{- define "clientele.env.signing" -}}
{{- with .Values.media.signingKey -}}
MEDIA_SIGNING_KEY: { secret: {{ .existingSecret | default (include "clientele.generatedSecretName" $) }}, key: {{ .key }} }
{{- end }}
{{- end -}}
