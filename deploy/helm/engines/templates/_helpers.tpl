{{/* Settings of PostgreSQL: the journal's own beginning, the installation's over it. */}}
{{- define "engines.parameters" -}}
{{- $own := dict "max_connections" "200" "wal_compression" "on" "log_min_duration_statement" "1000" "idle_in_transaction_session_timeout" "60000" -}}
{{- mergeOverwrite $own .parameters | toYaml -}}
{{- end -}}
