"""``manage.py test_webhook`` and ``manage.py webhook_worker``. Floor 9."""
