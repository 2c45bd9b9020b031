-- Both databases say `blob`.
create domain blob as bytea;
