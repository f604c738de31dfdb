"""Answers the test over the machine's second serial line: a JSON line in, a JSON line out, each in a thread of its own."""
import json, os, subprocess, sys, threading

out = threading.Lock()
operations = {}


def operation(function):
    operations[function.__name__] = function
    return function


@operation
def run(command, input='', env=None):
    try:
        r = subprocess.run(command, input=input, capture_output=True, text=True, env={**os.environ, **(env or {})})
    except FileNotFoundError as error:
        return {'missing': error.filename}
    return {'code': r.returncode if r.returncode >= 0 else 128 - r.returncode, 'stdout': r.stdout, 'stderr': r.stderr}


def answer(request):
    try:
        reply = {'result': operations[request['operation']](**request['arguments'])}
    except Exception as error:
        reply = {'error': f'{type(error).__name__}: {error}'}
    with out:
        print(json.dumps({'id': request['id'], **reply}), flush=True)


print(json.dumps({'id': 0, 'result': 'up'}), flush=True)
for line in sys.stdin:
    threading.Thread(target=answer, args=(json.loads(line),)).start()
