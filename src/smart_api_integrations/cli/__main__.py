"""``python -m smart_api_integrations.cli``: the same program where no script is installed. Floor 10."""

from smart_api_integrations.cli.program import main

main()
