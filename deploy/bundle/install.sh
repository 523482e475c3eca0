#!/bin/sh
# Installs the journal from this folder, without a network: ./install.sh [--prefix /opt/zhurnal] [--systemd]
#
# Every file is checked against SHA256SUMS first. The version goes into a folder of its own and is switched to at the end,
# so a failed installation changes nothing and the former version is one link away.
set -eu
cd "$(dirname "$0")"
prefix=/opt/zhurnal
systemd=
while [ $# -gt 0 ]; do
    case $1 in
    --prefix) prefix=${2:?"--prefix needs a folder"}; shift 2 ;;
    --systemd) systemd=1; shift ;;
    *) sed -n 2p "$0" >&2; exit 2 ;;
    esac
done
refuse() { echo "$1" >&2; exit 2; }

[ -f SHA256SUMS ] || refuse "SHA256SUMS: нет файла, архив неполон. / The file is missing, the archive is not whole."
sha256sum --check --strict --quiet SHA256SUMS >&2 ||
    refuse "Файлы не те, что в SHA256SUMS: скачайте архив заново. / Files differ from SHA256SUMS: fetch the archive again."
. ./bundle.env
python=$(command -v "python$PYTHON" || command -v python3 || true)
[ -n "$python" ] && [ "$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')" = "$PYTHON" ] ||
    refuse "Нужен Python $PYTHON. / Python $PYTHON is needed."
"$python" -c 'import venv, ensurepip' 2>/dev/null ||
    refuse "Нужен модуль venv для Python $PYTHON. / The module venv of Python $PYTHON is needed."
here=$("$python" -c 'import sysconfig; print(sysconfig.get_platform())')
[ "$here" = "$MACHINE" ] || refuse "Архив для $MACHINE, а эта машина $here. / The archive is for $MACHINE, this machine is $here."

into="$prefix/$VERSION"
rm -rf "$into"
mkdir -p "$into"
"$python" -m venv "$into/venv"
"$into/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --find-links wheels --no-deps \
    --require-hashes -r requirements.txt
"$into/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps wheels/zhurnal-*.whl
"$into/venv/bin/python" -m pip check --disable-pip-version-check >/dev/null ||
    refuse "В архиве не хватает зависимостей. / The archive lacks dependencies."
"$into/venv/bin/zhurnal" --help >/dev/null
cp -R share "$into/share"
chmod -R go+rX "$into"
# The two links are switched one after the other; each by a rename, so neither is ever missing.
for name in venv share; do
    ln -sfn "$VERSION/$name" "$prefix/.$name.new"
    mv -T "$prefix/.$name.new" "$prefix/$name"
done

if [ -n "$systemd" ]; then
    id zhurnal >/dev/null 2>&1 || useradd --system --home-dir /var/lib/zhurnal --shell /usr/sbin/nologin zhurnal
    install -d -m 0750 -o root -g zhurnal /etc/zhurnal
    [ -e /etc/zhurnal/zhurnal.env ] ||
        install -m 0640 -o root -g zhurnal share/small/zhurnal.env.example /etc/zhurnal/zhurnal.env
    install -d -m 0700 -o zhurnal -g zhurnal /var/backups/zhurnal
    install -m 0644 share/small/*.service share/small/*.timer /etc/systemd/system/
    systemctl daemon-reload
fi
echo "Журнал $VERSION установлен в $prefix. / Zhurnal $VERSION is installed in $prefix."
echo "Дальше / next: systemctl enable --now zhurnal zhurnal-backup.timer  ($prefix/share/README.md)"
