def run_peers(venv, rows, folder):
    return {}
