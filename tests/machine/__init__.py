"""Programs of anything that can happen to a repository and its store, in any order.

`world` is what there is, `sides` the store's side of it; `commits`, `tampering`, `ledgers`, `runs`
and `troubles` are what may happen; `machines` puts them together for each provider, and `programs`
runs them.
"""
