{{- define "zhurnal.fullname" -}}
{{- if contains "zhurnal" .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-zhurnal" .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Labels that never change: a Deployment's selector is immutable. */}}
{{- define "zhurnal.selector" -}}
app.kubernetes.io/name: zhurnal
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "zhurnal.labels" -}}
{{ include "zhurnal.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Labels of pods: without the chart's version, so that a new chart alone restarts nothing. */}}
{{- define "zhurnal.podLabels" -}}
{{ include "zhurnal.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end -}}

{{- define "zhurnal.image" -}}
{{- with .Values.image -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ with .digest }}@{{ . }}{{ end }}
{{- end -}}
{{- end -}}

{{/* gradebook.api: gradebook; web: web */}}
{{- define "zhurnal.service" -}}
{{- splitList "." . | first -}}
{{- end -}}

{{/* gradebook.api: api; web: web */}}
{{- define "zhurnal.kind" -}}
{{- splitList "." . | last -}}
{{- end -}}

{{/* The values of one target over those of its kind, as YAML. Arguments: root, target. */}}
{{- define "zhurnal.target" -}}
{{- $own := index .root.Values.targets .target | default dict -}}
{{- $kind := index .root.Values.kinds (include "zhurnal.kind" .target) -}}
{{- mergeOverwrite (deepCopy $kind) $own | toYaml -}}
{{- end -}}

{{- define "zhurnal.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "zhurnal.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* A variable from a Secret. Arguments: name, secret, key. */}}
{{- define "zhurnal.secretEnv" -}}
- name: {{ .name }}
  valueFrom:
    secretKeyRef:
      name: {{ .secret }}
      key: {{ .key }}
{{- end -}}

{{/* What every process is told. */}}
{{- define "zhurnal.env" -}}
- name: ZHURNAL_DATA
  value: /data
- name: ZHURNAL_HOST
  value: 0.0.0.0
- name: ZHURNAL_ZONE
  value: {{ .Values.college.zone | quote }}
- name: ZHURNAL_LOG_LEVEL
  value: {{ .Values.settings.logLevel }}
- name: ZHURNAL_SECURE
  value: "true"
- name: ZHURNAL_DEMO
  value: none
{{- with .Values.settings.traces }}
- name: ZHURNAL_TRACES
  value: {{ . | quote }}
{{- end }}
{{- end -}}

{{/*
The database of a service under its role or, with `owner`, under both. Arguments: root, service, owner.
With CloudNativePG the address is put together from the cluster's name and the role's Secret, whose password the kubelet
fills in.
*/}}
{{- define "zhurnal.databaseEnv" -}}
{{- $root := .root -}}
{{- $service := .service -}}
{{- range $kind := ternary (list "" "owner") (list "") .owner }}
{{- $name := printf "ZHURNAL_%s%s_DSN" (upper $service) (ternary "_OWNER" "" (eq $kind "owner")) }}
{{- if $root.Values.postgresql.cluster }}
{{- $role := ternary (printf "%s-owner" $service) $service (eq $kind "owner") }}
{{ include "zhurnal.secretEnv" (dict "name" (printf "PASSWORD_%s" ($role | replace "-" "_" | upper)) "secret" (printf "%s-%s" $root.Values.postgresql.roles $role) "key" "password") }}
- name: {{ $name }}
  value: {{ printf "host=%s-rw port=%d dbname=zhurnal_%s user=zhurnal_%s password='$(PASSWORD_%s)' sslmode=verify-full sslrootcert=/etc/zhurnal/postgresql/ca.crt" $root.Values.postgresql.cluster (int $root.Values.postgresql.port) $service ($role | replace "-" "_") ($role | replace "-" "_" | upper) | quote }}
{{- else }}
{{ include "zhurnal.secretEnv" (dict "name" $name "secret" (printf "%s-%s" $root.Values.secrets.databases $service) "key" (ternary "owner-dsn" "dsn" (eq $kind "owner"))) }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "zhurnal.kafkaEnv" -}}
{{- $kafka := .Values.kafka }}
- name: ZHURNAL_KAFKA
  value: {{ if $kafka.cluster }}{{ printf "%s-kafka-bootstrap:%d" $kafka.cluster (int $kafka.port) }}{{ else }}{{ required "kafka.brokers or kafka.cluster is needed" $kafka.brokers }}{{ end }}
- name: ZHURNAL_KAFKA_PREFIX
  value: {{ $kafka.prefix }}
- name: ZHURNAL_KAFKA_REPLICATION
  value: {{ $kafka.replication | quote }}
- name: ZHURNAL_KAFKA_MIN_INSYNC
  value: {{ $kafka.minInsync | quote }}
- name: ZHURNAL_KAFKA_RETENTION_HOURS
  value: {{ $kafka.retentionHours | quote }}
- name: ZHURNAL_KAFKA_SECURITY
  value: {{ $kafka.security }}
{{- if hasPrefix "sasl" $kafka.security }}
- name: ZHURNAL_KAFKA_MECHANISM
  value: {{ $kafka.mechanism }}
{{- if $kafka.cluster }}
- name: ZHURNAL_KAFKA_USER
  value: {{ $kafka.credentials }}
{{- else }}
{{ include "zhurnal.secretEnv" (dict "name" "ZHURNAL_KAFKA_USER" "secret" $kafka.credentials "key" "user") }}
{{- end }}
{{ include "zhurnal.secretEnv" (dict "name" "ZHURNAL_KAFKA_PASSWORD" "secret" $kafka.credentials "key" "password") }}
{{- end }}
{{- if include "zhurnal.kafkaCa" . }}
- name: ZHURNAL_KAFKA_CA
  value: /etc/zhurnal/kafka/ca.crt
{{- end }}
{{- end -}}

{{/* The Secret with the certificates of the brokers; empty without TLS. */}}
{{- define "zhurnal.kafkaCa" -}}
{{- if hasSuffix "tls" .Values.kafka.security -}}
{{- if .Values.kafka.ca -}}
{{ .Values.kafka.ca }}
{{- else if .Values.kafka.cluster -}}
{{ .Values.kafka.cluster }}-cluster-ca-cert
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "zhurnal.kurrentEnv" -}}
{{- with .Values.kurrent }}
{{- if .secret }}
{{ include "zhurnal.secretEnv" (dict "name" "ZHURNAL_KURRENT_URI" "secret" .secret "key" "uri") }}
- name: ZHURNAL_KURRENT_LOGS
  value: {{ .logs }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Where services are found. Arguments: root, services. */}}
{{- define "zhurnal.urlsEnv" -}}
{{- range .services }}
- name: ZHURNAL_{{ upper . }}_URL
  value: http://{{ include "zhurnal.fullname" $.root }}-{{ . }}:8080
{{- end }}
{{- end -}}

{{/* The file with planned work, for whoever shows /status: its variable, mount and volume. */}}
{{- define "zhurnal.noticeEnv" -}}
- name: ZHURNAL_NOTICE
  value: /etc/zhurnal/notice/notice.txt
{{- end -}}

{{- define "zhurnal.noticeMount" -}}
- {name: notice, mountPath: /etc/zhurnal/notice, readOnly: true}
{{- end -}}

{{- define "zhurnal.noticeVolume" -}}
- name: notice
  configMap:
    name: {{ include "zhurnal.fullname" . }}-notice
{{- end -}}

{{- define "zhurnal.volumes" -}}
- name: data
  emptyDir:
    sizeLimit: 64Mi
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
{{- if .Values.postgresql.cluster }}
- name: postgresql-ca
  secret:
    secretName: {{ .Values.postgresql.cluster }}-ca
    items: [{key: ca.crt, path: ca.crt}]
{{- end }}
{{- end -}}

{{- define "zhurnal.mounts" -}}
- name: data
  mountPath: /data
- name: tmp
  mountPath: /tmp
{{- if .Values.postgresql.cluster }}
- name: postgresql-ca
  mountPath: /etc/zhurnal/postgresql
  readOnly: true
{{- end }}
{{- end -}}
