{{- define "platform.labels" -}}
app.kubernetes.io/name: {{ .app.name | quote }}
app.kubernetes.io/managed-by: "narae"
team: {{ .app.team | quote }}
environment: {{ .root.Values.environment | quote }}
site: {{ .root.Values.site | quote }}
{{- end -}}
