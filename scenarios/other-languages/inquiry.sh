#!/bin/sh
# Tells the address of whoever is asked for.
printf 'Whose address? '
while read -r name; do
    getent hosts "$name" || printf 'Nobody is called %s.\n' "$name"
    printf 'Whose address? '
done
